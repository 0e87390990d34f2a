import { EmberboxError } from "../../errors.ts";
import type { Execution } from "../../interpreter/execution.ts";
import type { RunCodeOptions } from "../../interpreter/run-code.ts";
import type { Sandbox } from "../../sandbox.ts";
import type { ToolRun } from "../definition.ts";
import { endingText, runLimit, wasStopped } from "../ending.ts";
import { showPrinted } from "../printed.ts";

/** Arguments of Anthropic's `bash`. */
export interface BashInput {
  readonly command?: string | undefined;
  readonly restart?: boolean | undefined;
}

/** Each sandbox's shell: a context of its own, separate from that of `run_code`. */
const shells = new WeakMap<Sandbox, string>();

export async function runBash({ command, restart }: BashInput, run: ToolRun): Promise<string> {
  const { sandbox, signal, onOutput } = run;
  if (restart === true) {
    const known = shells.get(sandbox);
    if (known !== undefined) await sandbox.restartCodeContext(known, { signal });
    return "The shell was restarted.";
  }
  if (typeof command !== "string") {
    throw new EmberboxError(
      "invalid_argument",
      "Expected `command`, a command line, or `restart: true`",
    );
  }
  const limit = runLimit(undefined, run.limits);
  try {
    const options = {
      timeoutMs: limit.timeoutMs,
      signal,
      ...(onOutput && {
        onStdout: ({ line }) => onOutput({ stream: "stdout", text: line }),
        onStderr: ({ line }) => onOutput({ stream: "stderr", text: line }),
      }),
    } satisfies RunCodeOptions;
    const execution = await inShell(sandbox, signal, (context) =>
      sandbox.runCode(command, { ...options, context }),
    );
    return await show(execution, execution.error?.value, run);
  } catch (error) {
    signal?.throwIfAborted();
    if (!wasStopped(error) || error.details["execution"] === undefined) throw error;
    const words = `${endingText(error, "command", limit.timeoutMs)} If the shell does not answer, restart it.`;
    return show(error.details["execution"] as Execution, words, run);
  }
}

/** Runs work in the sandbox's shell: a new one, where the machine was taken back to before there was one. */
async function inShell(
  sandbox: Sandbox,
  signal: AbortSignal | undefined,
  work: (context: string) => Promise<Execution>,
): Promise<Execution> {
  const known = shells.get(sandbox);
  if (known === undefined) return work(await openShell(sandbox, signal));
  try {
    return await work(known);
  } catch (error) {
    if (!EmberboxError.isInstance(error) || error.code !== "context_not_found") throw error;
    return work(await openShell(sandbox, signal));
  }
}

async function openShell(sandbox: Sandbox, signal: AbortSignal | undefined): Promise<string> {
  const { id } = await sandbox.createCodeContext({ language: "bash", signal });
  shells.set(sandbox, id);
  return id;
}

async function show(
  { logs, truncated }: Execution,
  ending: string | undefined,
  run: ToolRun,
): Promise<string> {
  const printed = await showPrinted(
    {
      stdout: logs.stdout.join(""),
      stderr: logs.stderr.join(""),
      stdoutBytes: truncated?.stdoutBytes,
      stderrBytes: truncated?.stderrBytes,
    },
    run,
  );
  const sections = printed.sections.map((section) => section.replace(/^stdout:\n/, ""));
  return [...sections, ...(ending === undefined ? [] : [ending])].join("\n\n") || "(no output)";
}
