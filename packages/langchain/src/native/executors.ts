import {
  NativeTools,
  type BashInput,
  type PatchOperation,
  type SandboxSessions,
  type SandboxSource,
  type TextEditorInput,
  type ToolContext,
} from "@emberbox/core/tools";
import { leaveAt } from "../checkpoints/tool-call.ts";
import { ambientContext } from "../ambient.ts";
import type { LangChainToolOptions } from "../tools.ts";

interface ShellAction {
  readonly commands: readonly string[];
  readonly timeout_ms?: number | null;
  readonly max_output_length?: number | null;
}

interface ShellAnswer {
  output: {
    stdout: string;
    stderr: string;
    outcome: { type: "exit"; exit_code: number } | { type: "timeout" };
  }[];
  maxOutputLength: number | null;
}

interface LocalShellAction {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly working_directory?: string | null;
  readonly timeout_ms?: number | null;
  readonly user?: string | null;
}

/** Functions for the `execute` options of provider tools. `await using` ends the sandboxes created here. */
export interface NativeExecutors extends AsyncDisposable {
  readonly sessions: SandboxSessions;
  /** For `tools.shell` of `@langchain/openai`. */
  shell(action: ShellAction): Promise<ShellAnswer>;
  /** For `tools.localShell` of `@langchain/openai`. */
  localShell(action: LocalShellAction): Promise<string>;
  /** For `tools.applyPatch` of `@langchain/openai`. */
  applyPatch(operation: PatchOperation): Promise<string>;
  /** For `tools.bash_20250124` of `@langchain/anthropic`. */
  bash(input: BashInput): Promise<string>;
  /** For `tools.textEditor_20250728` of `@langchain/anthropic`. */
  textEditor(input: TextEditorInput): Promise<string>;
}

/**
 * Executors for the tools that providers' models were trained on, with one sandbox per thread.
 * @throws `invalid_argument`, `unsupported`
 */
export function createNativeExecutors(
  source?: SandboxSource | SandboxSessions,
  options?: LangChainToolOptions,
): NativeExecutors {
  const native = new NativeTools(source, options, "langchain");
  const { sessions } = native;
  /** Runs a call, and notes where the sandbox is then. */
  const noted = async <Answer>(run: (context: ToolContext) => Promise<Answer>): Promise<Answer> => {
    const context = ambientContext();
    const answer = await run(context);
    leaveAt(sessions.position(context.threadId));
    return answer;
  };
  return {
    sessions,
    async shell({ commands, timeout_ms, max_output_length }) {
      const input = { commands, timeoutMs: timeout_ms, maxOutputLength: max_output_length };
      const { output } = await noted((context) => native.shell(input, context));
      return {
        output: output.map(({ stdout, stderr, outcome }) => ({
          stdout,
          stderr,
          outcome:
            outcome.type === "exit"
              ? { type: "exit" as const, exit_code: outcome.exitCode }
              : { type: "timeout" as const },
        })),
        maxOutputLength: max_output_length ?? null,
      };
    },
    async localShell({ command, env, working_directory, timeout_ms, user }) {
      const input = {
        command,
        env,
        workingDirectory: working_directory,
        timeoutMs: timeout_ms,
        user,
      };
      return (await noted((context) => native.localShell(input, context))).output;
    },
    async applyPatch(operation) {
      const { status, output } = await noted((context) => native.applyPatch(operation, context));
      return status === "failed" ? `Failed: ${output}` : output;
    },
    bash: (input) => noted((context) => native.bash(input, context)),
    textEditor: (input) => noted((context) => native.textEditor(input, context)),
    [Symbol.asyncDispose]: () => native[Symbol.asyncDispose](),
  };
}
