import type { SandboxProvider } from "@emberbox/core/provider";
import { createHarness, type Runner } from "./harness.ts";
import { describeCharts } from "./suites/charts.ts";
import { describeCheckpoints } from "./suites/checkpoints.ts";
import { describeCode } from "./suites/code.ts";
import { describeCommands, describeTerminals } from "./suites/commands.ts";
import { describeContexts } from "./suites/contexts.ts";
import { describeFailures } from "./suites/failures.ts";
import { describeFiles } from "./suites/files.ts";
import { describeInterrupts } from "./suites/interrupts.ts";
import { describeLanguages } from "./suites/languages.ts";
import { describeLifecycle } from "./suites/lifecycle.ts";
import { describeNetwork } from "./suites/network.ts";
import { describePorts } from "./suites/ports.ts";
import { describePython } from "./suites/python.ts";
import { describeRichResults } from "./suites/rich-results.ts";
import { describeWatching } from "./suites/watching.ts";
import { describeState } from "./suites/state.ts";
import { describeTemplates } from "./suites/templates.ts";
import { describeStreams } from "./suites/streams.ts";
import { describeUnclaimed } from "./suites/unclaimed.ts";

/**
 * Registers the tests of every behaviour that can be asked of a provider. Most share one sandbox; the provider is
 * closed at the end.
 */
export function describeProvider(
  name: string,
  makeProvider: () => SandboxProvider,
  runner: Runner,
): void {
  runner.describe(`${name}: a sandbox`, () => {
    const harness = createHarness(makeProvider, runner);
    describeCode(harness);
    describeRichResults(harness);
    describeCharts(harness);
    describeContexts(harness);
    describeLanguages(harness);
    describePython(harness);
    describeFailures(harness);
    describeInterrupts(harness);
    describeStreams(harness);
    describeFiles(harness);
    describeWatching(harness);
    describeCommands(harness);
    describeTerminals(harness);
    describePorts(harness);
    describeLifecycle(harness);
    describeState(harness);
    describeCheckpoints(harness);
    describeTemplates(harness);
    describeNetwork(harness);
    describeUnclaimed(harness);
  });
}
