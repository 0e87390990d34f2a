import type { SandboxProvider } from "@emberbox/core";
import { createHarness, type Runner } from "./harness.ts";
import { describeCharts } from "./suites/charts.ts";
import { describeCode } from "./suites/code.ts";
import { describeCommands, describeTerminals } from "./suites/commands.ts";
import { describeContexts } from "./suites/contexts.ts";
import { describeFiles } from "./suites/files.ts";
import { describeLanguages } from "./suites/languages.ts";
import { describeLifecycle } from "./suites/lifecycle.ts";
import { describeRichResults } from "./suites/rich-results.ts";

/**
 * Registers the tests of every behaviour that a provider can be asked for. Most share one sandbox;
 * the provider is closed at the end.
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
    describeFiles(harness);
    describeCommands(harness);
    describeTerminals(harness);
    describeLifecycle(harness);
  });
}
