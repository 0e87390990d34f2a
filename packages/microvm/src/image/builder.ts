import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { EmberboxError } from "@emberbox/core";
import { searchPath } from "../host/programs.ts";
import { proxySettings } from "../host/proxy.ts";

export interface BuilderOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
  /** Open files, which become the child's descriptors from 3 on. */
  readonly files?: readonly number[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd: string;
}

const LAST_LINES = 40;
const LONGEST_LINE = 500;

/**
 * Runs a program to its end and returns its standard output, or fails with its last lines.
 * It ends, with all of its children, when the signal is aborted and when this process is killed.
 */
export async function runBuilder(
  command: readonly string[],
  options: BuilderOptions,
): Promise<string> {
  options.signal?.throwIfAborted();
  const [program, ...parameters] = command as [string, ...string[]];
  const child = spawn(program, parameters, {
    cwd: options.cwd,
    // A process group of its own: what ends it must reach the children, and Ctrl-C must come through us.
    detached: true,
    env: builderEnvironment(options.environment),
    stdio: ["ignore", "pipe", "pipe", ...(options.files ?? [])],
  });
  const output: string[] = [];
  const last: string[] = [];
  const readers = [
    readLines(child.stdout, (line) => output.push(line)),
    readLines(child.stderr, (line) => {
      last.push(line.slice(0, LONGEST_LINE));
      if (last.length > LAST_LINES) last.shift();
      options.onLine?.(line);
    }),
  ];
  const guard = guardGroup(child);
  const abort = () => endGroup(child);
  options.signal?.addEventListener("abort", abort, { once: true });
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    await Promise.all(readers);
    options.signal?.throwIfAborted();
    if (code !== 0) throw failure(program, code ?? signal, last);
    return output.join("\n");
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ENOENT"
      ? new EmberboxError("tool_missing", `\`${program}\` is not installed`)
      : error;
  } finally {
    options.signal?.removeEventListener("abort", abort);
    guard?.kill("SIGKILL");
  }
}

function builderEnvironment(
  extra: Readonly<Record<string, string>> | undefined,
): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...proxySettings(),
    ...{ LC_ALL: "C.UTF-8", PATH: searchPath(), TMPDIR: undefined },
    ...extra,
  };
}

async function readLines(
  stream: NodeJS.ReadableStream | null,
  onLine: (line: string) => void,
): Promise<void> {
  if (!stream) return;
  for await (const line of createInterface({ input: stream })) onLine(line);
}

function failure(
  program: string,
  reason: number | string | null,
  last: readonly string[],
): EmberboxError {
  const full = last.some((line) => line.includes("No space left on device"));
  const message = `${program} ended with ${reason}:\n${last.join("\n")}`;
  return new EmberboxError(full ? "host_disk_full" : "image_build_failed", message, {
    details: { lastLines: last },
  });
}

// On TERM, mmdebstrap unmounts and removes what it made, and needs a moment for it.
const GRACE_SECONDS = 15;

function endGroup(child: ChildProcess): void {
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), GRACE_SECONDS * 1000);
  child.once("exit", () => clearTimeout(timer));
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has just ended.
  }
}

/** A shell that waits for the end of its input, which comes when this process is killed, and then ends the group. */
function guardGroup(child: ChildProcess): ChildProcess | undefined {
  if (child.pid === undefined) return undefined;
  const script = `read -r end; kill -TERM -$1; n=0; while [ $n -lt ${GRACE_SECONDS} ] && kill -0 -$1; do sleep 1; n=$((n+1)); done; kill -KILL -$1`;
  const guard = spawn("/bin/sh", ["-c", script, "guard", String(child.pid)], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.on("error", () => {});
  guard.unref();
  (guard.stdin as unknown as { unref?: () => void }).unref?.();
  return guard;
}
