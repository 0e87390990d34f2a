import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { exposeToOomKiller, inUserCgroup } from "../cgroup.ts";
import { RpcError } from "./connect.ts";
import type { User } from "./users.ts";

export type OutputKind = "stdout" | "stderr" | "pty";

export interface LaunchOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Record<string, string>;
  readonly directory: string;
  readonly user: User;
  readonly stdin: boolean;
}

/** What a running child tells the one who started it. */
export interface ChildListener {
  output(kind: OutputKind, chunk: Buffer): void;
  exit(exitCode: number | null, signal: NodeJS.Signals | null): void;
  /** Nothing will come out any more: everyone who held the other ends has let go. */
  closed(): void;
}

/** A child process, on pipes or on a terminal. */
export interface Child {
  readonly pid: number;
  pause(): void;
  resume(): void;
  /** Lets output run to nowhere from now on, so that what still writes to it is not held up. */
  discard(): void;
  /** Settles when the child's side has taken the data. */
  write(kind: OutputKind | "stdin", data: Buffer): Promise<void>;
  closeInput(): void;
  resize(columns: number, rows: number): void;
}

/** Starts a child on pipes, as leader of its own session and process group. */
export async function launch(options: LaunchOptions, listener: ChildListener): Promise<Child> {
  const child = start(options);
  if (child.pid === undefined) {
    const [error] = (await once(child, "error")) as [NodeJS.ErrnoException];
    throw startError(options.command, error);
  }
  child.on("error", () => {});
  exposeToOomKiller(child.pid);
  const outputs = [child.stdout!, child.stderr!];
  child.stdout!.on("data", (chunk: Buffer) => listener.output("stdout", chunk));
  child.stderr!.on("data", (chunk: Buffer) => listener.output("stderr", chunk));
  for (const stream of [...outputs, child.stdin]) stream?.on("error", () => {});
  child.on("exit", (exitCode, signal) => listener.exit(exitCode, signal));
  child.on("close", () => listener.closed());
  return {
    pid: child.pid,
    pause: () => outputs.forEach((stream) => stream.pause()),
    resume: () => outputs.forEach((stream) => stream.resume()),
    discard: () => outputs.forEach((stream) => stream.removeAllListeners("data").resume()),
    write: (kind, data) => {
      if (kind === "pty")
        throw new RpcError("failed_precondition", "the process has no terminal: send to its stdin");
      return writeInput(child.stdin, data);
    },
    closeInput: () => child.stdin?.end(),
    resize: () => {
      throw new RpcError("failed_precondition", "the process has no terminal to resize");
    },
  };
}

function start(options: LaunchOptions): ChildProcess {
  const { command, args, environment, directory, user, stdin } = options;
  try {
    return inUserCgroup(() =>
      spawn(command, args, {
        cwd: directory,
        env: environment,
        uid: user.uid,
        gid: user.gid,
        detached: true,
        stdio: [stdin ? "pipe" : "ignore", "pipe", "pipe"],
      }),
    );
  } catch (error) {
    throw startError(command, error as NodeJS.ErrnoException);
  }
}

export function startError(command: string, error: NodeJS.ErrnoException): RpcError {
  switch (error.code) {
    case "EAGAIN":
    case "ENOMEM":
    case "EMFILE":
    case "ENFILE":
      return new RpcError(
        "resource_exhausted",
        `cannot start '${command}': the sandbox has no room for another process (${error.code})`,
      );
    default:
      return new RpcError(
        "invalid_argument",
        `error starting process '${command}': ${error.message}`,
      );
  }
}

/** What may wait for a child that does not read. */
const maxPendingInput = 16 * 1024 * 1024;

export function writeInput(stream: Writable | null, data: Buffer): Promise<void> {
  if (stream === null || !stream.writable)
    throw new RpcError("failed_precondition", "stdin not enabled or closed");
  if (stream.writableLength + data.length > maxPendingInput) {
    throw new RpcError(
      "resource_exhausted",
      "the process does not read its input, and too much is waiting already",
    );
  }
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => {
      if (error)
        reject(
          new RpcError("failed_precondition", `cannot write to the process: ${error.message}`),
        );
      else resolve();
    });
  });
}
