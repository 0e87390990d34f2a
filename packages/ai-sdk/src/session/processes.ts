import { EmberboxError, type CommandHandle } from "@emberbox/core";
import { explainFailure, runToEnd, type SandboxCall, shellExitCode } from "@emberbox/core/tools";
import { BytePipe } from "./byte-pipe.ts";
import { type SessionCalls, shown } from "./calls.ts";
import type { ProcessOptions, SandboxProcess, WritableSandboxProcess } from "./types.ts";

/** The most bytes of one message to a command's standard input. */
const INPUT_BYTES = 64 * 1024;

/** Why a command ends before its time, with what it printed. */
const ENDED_EARLY: ReadonlySet<string> = new Set(["out_of_memory", "timeout"]);

interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. A command that fails, or runs out of time or memory, still gives a result. */
export function run(
  calls: SessionCalls,
  options: ProcessOptions,
  timeoutMs: number = 0,
): Promise<RunResult> {
  const { command, abortSignal: signal } = options;
  return calls.inTurn(signal, async (call) => {
    const context = { sandbox: call.sandbox, signal, onOutput: undefined };
    const how = { timeoutMs, ...placeAndEnv(calls, options) };
    const result = await runToEnd(context, command, how).catch(endedEarly);
    const { stdout, stderr } = result;
    return { exitCode: shellExitCode(result), stdout, stderr: call.say() + stderr };
  });
}

/** Starts a command. An abort kills it. */
export function spawn(
  calls: SessionCalls,
  options: ProcessOptions & { readonly stdin?: boolean },
): Promise<SandboxProcess | WritableSandboxProcess> {
  const { command, stdin = false, abortSignal: signal } = options;
  return calls.beside(signal, async (call) => {
    const stdout = new BytePipe();
    const stderr = new BytePipe();
    const handle = await call.sandbox.commands.stream(command, {
      ...placeAndEnv(calls, options),
      stdin,
      signal,
      onStdout: (bytes) => stdout.push(bytes),
      onStderr: (bytes) => stderr.push(bytes),
    });
    const ended = endOf(handle, call, signal);
    call.until(ended);
    const close = (error?: unknown): void => [stdout, stderr].forEach((pipe) => pipe.end(error));
    ended.then(() => close(), close);
    return Object.freeze({
      pid: handle.pid,
      stdout: stdout.readable,
      stderr: stderr.readable,
      wait: () => ended,
      kill: () => told(call, async () => void (await handle.kill())),
      ...(stdin && { stdin: inputOf(handle, call) }),
    });
  });
}

async function endOf(
  handle: CommandHandle,
  call: SandboxCall,
  signal: AbortSignal | undefined,
): Promise<{ exitCode: number }> {
  try {
    return { exitCode: shellExitCode(await handle.wait()) };
  } catch (error) {
    signal?.throwIfAborted();
    throw shown(error, call);
  }
}

function inputOf(handle: CommandHandle, call: SandboxCall): WritableStream<Uint8Array> {
  const close = (): Promise<void> => told(call, () => closeInput(handle));
  return new WritableStream({
    write: (bytes) =>
      told(call, async () => {
        for (let at = 0; at < bytes.length; at += INPUT_BYTES) {
          await handle.sendStdin(bytes.subarray(at, at + INPUT_BYTES));
        }
      }),
    close,
    abort: close,
  });
}

async function told(call: SandboxCall, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw shown(error, call);
  }
}

/** Closes standard input. It is not an error if the command has already ended. */
async function closeInput(handle: CommandHandle): Promise<void> {
  try {
    await handle.closeStdin();
  } catch (error) {
    if (!EmberboxError.isInstance(error) || error.code !== "process_not_found") throw error;
  }
}

function placeAndEnv(
  calls: SessionCalls,
  { workingDirectory, env }: ProcessOptions,
): { readonly cwd?: string; readonly envs?: Record<string, string> } {
  return {
    ...(workingDirectory !== undefined && { cwd: calls.resolve(workingDirectory) }),
    ...(env && { envs: env }),
  };
}

function endedEarly(error: unknown): RunResult {
  // Without output it is not the command that took too long: the sandbox did not answer.
  const isOfCommand = EmberboxError.isInstance(error) && error.details["stdout"] !== undefined;
  if (!isOfCommand || !ENDED_EARLY.has(error.code)) throw error;
  const { stdout = "", stderr = "" } = error.details;
  const words = `${String(stderr)}\n${explainFailure(error).text}`.trimStart();
  return { exitCode: shellExitCode(error), stdout: String(stdout), stderr: words };
}
