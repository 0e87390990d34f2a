import { inToolSpan, type ToolSpanEnd } from "../../spans.ts";
import { SandboxSessions } from "../../sessions/sandbox-sessions.ts";
import type { SandboxSource } from "../../sessions/source.ts";
import { callSandbox, type SandboxCall } from "../call-sandbox.ts";
import type { ToolRun } from "../definition.ts";
import { resolveToolOptions, type ToolOptions } from "../options.ts";
import { presentable, withoutRefused } from "../gate.ts";
import { OutputHook } from "../output-hook.ts";
import type { ToolContext } from "../types.ts";
import { applyPatch, type PatchOperation, type PatchResult } from "./apply-patch.ts";
import { runBash, type BashInput } from "./bash.ts";
import {
  localShell,
  runShell,
  type LocalShellInput,
  type ShellInput,
  type ShellResult,
} from "./shell.ts";
import { editText, type TextEditorInput } from "./text-editor.ts";

/**
 * Executors for the tools that models were trained on: OpenAI's shell, local shell and apply_patch, and Anthropic's
 * bash and text editor. Each answers in its tool's own form, failures included; only an abort, or what `onOutput`
 * throws, rejects.
 */
export class NativeTools implements AsyncDisposable {
  readonly sessions: SandboxSessions;
  readonly #owned: boolean;
  readonly #settings: Pick<ToolRun, "limits" | "reportFiles">;

  /** `adapter` is what `SandboxSessions` takes by that name. */
  constructor(
    source?: SandboxSource | SandboxSessions,
    options: ToolOptions = {},
    adapter?: string,
  ) {
    const { limits, reportFiles, idleTimeoutMs, onIdle, maxSandboxes, onError, checkpoints } =
      resolveToolOptions(options);
    this.#owned = !(source instanceof SandboxSessions);
    this.sessions =
      source instanceof SandboxSessions
        ? source
        : new SandboxSessions(
            source,
            { idleTimeoutMs, onIdle, maxSandboxes, onError, checkpoints },
            adapter,
          );
    this.#settings = { limits, reportFiles };
  }

  /** OpenAI's `shell`: runs commands one after another, each in its own shell, until one times out. */
  shell(input: ShellInput, context: ToolContext = {}): Promise<ShellResult> {
    const label = `shell: ${String(input.commands)}`;
    return this.#run(
      "shell",
      context,
      label,
      shellFailed,
      (run) => runShell(input, run),
      withStderrNotice,
    );
  }

  /** OpenAI's `local_shell`: runs one program with its arguments. */
  localShell(input: LocalShellInput, context: ToolContext = {}): Promise<{ output: string }> {
    return this.#run(
      "local_shell",
      context,
      `local_shell: ${String(input.command)}`,
      (output) => ({ output }),
      (run) => localShell(input, run),
      ({ output }, notice) => ({ output: notice + output }),
    );
  }

  /** Anthropic's `bash`: one shell per conversation, which keeps its directory and variables until `restart`. */
  bash(input: BashInput, context: ToolContext = {}): Promise<string> {
    const label = `bash: ${input.command ?? "restart"}`;
    return this.#run("bash", context, label, String, (run) => runBash(input, run), prepend);
  }

  /** Anthropic's text editor: `view`, `create`, `str_replace` and `insert`. */
  textEditor(input: TextEditorInput, context: ToolContext = {}): Promise<string> {
    const label = `${input.command}: ${input.path}`;
    return this.#run("text_editor", context, label, String, (run) => editText(input, run), prepend);
  }

  /** OpenAI's `apply_patch`: creates a file, changes it by a V4A diff, or deletes it. */
  applyPatch(operation: PatchOperation, context: ToolContext = {}): Promise<PatchResult> {
    return this.#run(
      "apply_patch",
      context,
      `${operation.type}: ${operation.path}`,
      (output): PatchResult => ({ status: "failed", output }),
      (run) => applyPatch(operation, run),
      ({ status, output }, notice) => ({ status, output: notice + output }),
    );
  }

  /** Ends the sandboxes that were created here. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#owned) await this.sessions[Symbol.asyncDispose]();
  }

  #run<Answer>(
    tool: string,
    { onOutput, ...context }: ToolContext,
    label: string,
    failed: (text: string) => Answer,
    work: (run: ToolRun) => Promise<Answer>,
    withNotice: (answer: Answer, notice: string) => Answer,
  ): Promise<Answer> {
    const noted = (answer: Answer, call: SandboxCall): Answer => {
      const notice = call.say();
      const whole = notice === "" ? answer : withNotice(answer, notice);
      return typeof whole === "string" ? (presentable(whole) as Answer) : withoutRefused(whole);
    };
    const hook = new OutputHook(onOutput);
    const { sessions } = this;
    const { signal, threadId, toolCallId } = context;
    let end: ToolSpanEnd = {};
    const call = (): Promise<Answer> =>
      callSandbox(
        sessions,
        { ...context, label, tool },
        async (call) => {
          const { sandbox, replaced } = call;
          end = { sandboxId: sandbox.sandboxId };
          const run = { sandbox, signal, onOutput: hook.callback, ...this.#settings, replaced };
          return noted(await work(run), call);
        },
        (error, call) => {
          hook.throwIfThrew();
          const { text, code } = call.explain(error);
          end = { sandboxId: call.sandboxId, errorCode: code, isError: true };
          return noted(failed(text), call);
        },
      );
    return inToolSpan({ tool, toolCallId, threadId, adapter: sessions.adapter }, call, () => end);
  }
}

function prepend(answer: string, notice: string): string {
  return notice + answer;
}

function withStderrNotice(answer: ShellResult, notice: string): ShellResult {
  const [first, ...rest] = answer.output;
  if (first === undefined) return answer;
  return { ...answer, output: [{ ...first, stderr: notice + first.stderr }, ...rest] };
}

function shellFailed(stderr: string): ShellResult {
  return { output: [{ stdout: "", stderr, outcome: { type: "exit", exitCode: 1 } }] };
}
