import type { ToolExecuteFunction } from "ai";
import {
  NativeTools,
  type BashInput,
  type LocalShellInput,
  type PatchOperation,
  type PatchResult,
  type SandboxSessions,
  type ShellInput,
  type ShellOutput,
  type TextEditorInput,
  type ToolContext,
  type ToolOptions,
} from "@emberbox/core/tools";
import type { ToolSource } from "../conversation.ts";
import { CallTargets } from "../call-targets.ts";

type Execute<Input, Output> = (
  input: Input,
  options: Parameters<ToolExecuteFunction<Input, Output, any>>[1],
) => Promise<Output>;

/** Functions for the `execute` options of provider tools. `await using` ends the sandboxes created here. */
export interface NativeExecutors extends AsyncDisposable {
  readonly sessions: SandboxSessions;
  /** For `openai.tools.shell`. */
  readonly shell: Execute<
    { readonly action: ShellInput },
    { output: ShellOutput[]; maxOutputLength?: number }
  >;
  /** For `openai.tools.localShell`. */
  readonly localShell: Execute<{ readonly action: LocalShellInput }, { output: string }>;
  /** For `openai.tools.applyPatch`. */
  readonly applyPatch: Execute<{ readonly operation: PatchOperation }, PatchResult>;
  /** For `anthropic.tools.bash_20250124` and its older version. */
  readonly bash: Execute<BashInput, string>;
  /** For `anthropic.tools.textEditor_20250728` and its older versions. */
  readonly textEditor: Execute<TextEditorInput, string>;
}

/**
 * Executors for the tools that OpenAI's and Anthropic's models were trained on. They work in the given sandbox, or in
 * that of `experimental_sandbox`, or in sandboxes created when first needed.
 * @throws `invalid_argument`, `unsupported`
 */
export function createNativeExecutors(
  source?: ToolSource,
  options: ToolOptions = {},
): NativeExecutors {
  const targets = new CallTargets(NativeTools, source, options);
  const executor =
    <Input, Output>(
      run: (tools: NativeTools, input: Input, context: ToolContext) => Promise<Output>,
    ): Execute<Input, Output> =>
    (input, { abortSignal, toolCallId, experimental_sandbox }) => {
      const { tools, threadId } = targets.of(experimental_sandbox);
      return run(tools, input, { signal: abortSignal, toolCallId, threadId });
    };
  return {
    sessions: targets.tools.sessions,
    shell: executor(async (tools, { action }, context) => {
      const { output, ...rest } = await tools.shell(action, context);
      return { ...rest, output: [...output] };
    }),
    localShell: executor((tools, { action }, context) => tools.localShell(action, context)),
    applyPatch: executor((tools, { operation }, context) => tools.applyPatch(operation, context)),
    bash: executor((tools, input, context) => tools.bash(input, context)),
    textEditor: executor((tools, input, context) => tools.textEditor(input, context)),
    [Symbol.asyncDispose]: () => targets[Symbol.asyncDispose](),
  };
}
