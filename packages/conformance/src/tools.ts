import type { SandboxProvider } from "@emberbox/core/provider";
import { behaviourOf, type Runner, skippedName } from "./harness.ts";
import { describeToolCalls } from "./suites/tools.ts";
import { describeToolFailures } from "./suites/tool-failures.ts";
import type { ToolHarness, ToolSubject } from "./tool-harness.ts";

/** Behaviours that a framework cannot support, each with the reason; they are skipped. */
export type Without = Readonly<Record<string, string>>;

const TEST_TIMEOUT_MS = 300_000;

/**
 * Registers the tests of every behaviour of the tools, called through a framework. The subject's tools must be created
 * with `maxPictureBytes: 100_000`.
 */
export function describeTools(
  name: string,
  makeProvider: () => SandboxProvider,
  makeSubject: (provider: SandboxProvider) => ToolSubject | Promise<ToolSubject>,
  runner: Runner,
  without: Without = {},
): void {
  for (const id of Object.keys(without)) behaviourOf(id);
  runner.describe(`${name}: a sandbox`, () => {
    let provider: SandboxProvider | undefined;
    let subject: Promise<ToolSubject> | undefined;
    const made = (): SandboxProvider => (provider ??= makeProvider());
    runner.afterAll(async () => {
      await (await subject?.catch(() => undefined))?.[Symbol.asyncDispose]();
      await provider?.[Symbol.asyncDispose]();
    }, TEST_TIMEOUT_MS);
    const harness: ToolHarness = {
      expect: runner.expect,
      provider: made,
      behaviour(id, body) {
        const title = `${id}: a sandbox ${behaviourOf(id).holds}`;
        const run = async (): Promise<void> =>
          body(await (subject ??= Promise.resolve(makeSubject(made()))));
        const reason = without[id];
        if (reason === undefined) runner.test(title, run, TEST_TIMEOUT_MS);
        else runner.test.skip(skippedName(title, reason), run);
      },
    };
    describeToolCalls(harness);
    describeToolFailures(harness);
  });
}
