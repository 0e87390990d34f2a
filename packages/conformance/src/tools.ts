import type { SandboxProvider } from "@emberbox/core/provider";
import type { ToolName, ToolPicture } from "@emberbox/core/tools";
import { behaviourOf, type Expect, type Runner, skippedName } from "./harness.ts";
import { describeToolCalls } from "./suites/tools.ts";
import { describeToolFailures } from "./suites/tool-failures.ts";

/** What a model or a program sees of one call. */
export interface ToolAnswer {
  readonly text: string;
  readonly isError: boolean;
  readonly pictures: readonly Pick<ToolPicture, "mimeType" | "base64">[];
}

/** What a call is given besides its arguments. */
export interface ToolCallOptions {
  readonly signal?: AbortSignal;
  /** Must be called with output as it arrives, however the framework delivers it. */
  readonly onOutput?: (text: string) => void;
  readonly threadId?: string;
}

/** The tools, called as an agent of the framework would call them; closed at the end. */
export interface ToolSubject extends AsyncDisposable {
  call(tool: ToolName, input: unknown, options?: ToolCallOptions): Promise<ToolAnswer>;
}

/** Behaviours that a framework cannot support, each with the reason; they are skipped. */
export type Without = Readonly<Record<string, string>>;

export interface ToolHarness {
  readonly expect: Expect;
  behaviour(id: string, body: (subject: ToolSubject) => Promise<void>): void;
  provider(): SandboxProvider;
}

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
