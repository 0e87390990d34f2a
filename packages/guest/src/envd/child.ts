import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { closeSync } from "node:fs";
import type { Writable } from "node:stream";
import { exposeToOomKiller, inUserCgroup, type CommandGroup } from "../cgroup.ts";
import { RpcError } from "./connect.ts";
import type { Pipe, PipeMaker } from "./pipes.ts";
import type { User } from "./users.ts";

export type OutputKind = "stdout" | "stderr" | "pty";

export interface LaunchOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Record<string, string>;
  readonly directory: string;
  readonly user: User;
  readonly stdin: boolean;
  /** The group it is born in; without one, the group of all the user's processes. */
  readonly group: CommandGroup | undefined;
}

/** Runs `work`, which starts a process, so that the process is born in the group that the options name. */
export function born<T>({ group }: LaunchOptions, work: () => T): T {
  return group === undefined ? inUserCgroup(work) : group.start(work);
}

/** What a running child reports to whoever started it. */
export interface ChildListener {
  output(kind: OutputKind, chunk: Buffer): void;
  exit(exitCode: number | null, signal: NodeJS.Signals | null): void;
  /** No more output will come: everyone who held the other ends has closed them. */
  closed(): void;
}

/** A child process, on pipes or on a terminal. */
export interface Child {
  readonly pid: number;
  pause(): void;
  resume(): void;
  /** Discards output from now on, so that whatever still writes is not held up. */
  discard(): void;
  /** Settles when the child's side has taken the data. */
  write(kind: OutputKind | "stdin", data: Buffer): Promise<void>;
  closeInput(): void;
  resize(columns: number, rows: number): void;
}

/** Starts a child on pipes, as leader of its own session and process group. */
export async function launch(
  options: LaunchOptions,
  pipes: PipeMaker,
  listener: ChildListener,
): Promise<Child> {
  const { child, pid, stdin, stdout, stderr } = await start(options, pipes);
  exposeToOomKiller(pid);
  const outputs = [stdout.ours, stderr.ours];
  let open = outputs.length;
  for (const output of outputs) {
    const kind = output === stdout.ours ? "stdout" : "stderr";
    output.on("data", (chunk: Buffer) => listener.output(kind, chunk));
    output.on("close", () => {
      open--;
      if (open === 0) listener.closed();
    });
  }
  child.on("error", () => {});
  child.on("exit", (exitCode, signal) => {
    stdin?.ours.destroy();
    listener.exit(exitCode, signal);
  });
  return {
    pid,
    pause: () => outputs.forEach((output) => output.pause()),
    resume: () => outputs.forEach((output) => output.resume()),
    discard: () => outputs.forEach((output) => output.removeAllListeners("data").resume()),
    write: (kind, data) => {
      if (kind === "pty")
        throw new RpcError("failed_precondition", "the process has no terminal: send to its stdin");
      return writeInput(stdin?.ours, data);
    },
    closeInput: () => stdin?.ours.end(),
    resize: () => {
      throw new RpcError("failed_precondition", "the process has no terminal to resize");
    },
  };
}

interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly stdin: Pipe | undefined;
  readonly stdout: Pipe;
  readonly stderr: Pipe;
}

async function start(options: LaunchOptions, pipes: PipeMaker): Promise<Started> {
  const opened: Pipe[] = [];
  const keep = (pipe: Pipe): Pipe => {
    pipe.ours.on("error", () => {});
    opened.push(pipe);
    return pipe;
  };
  try {
    const stdin = options.stdin ? keep(pipes.input()) : undefined;
    const stdout = keep(pipes.output());
    const stderr = keep(pipes.output());
    const child = spawnChild(options, [stdin?.theirs ?? "ignore", stdout.theirs, stderr.theirs]);
    if (child.pid === undefined) throw (await once(child, "error"))[0];
    return { child, pid: child.pid, stdin, stdout, stderr };
  } catch (error) {
    for (const { ours } of opened) ours.destroy();
    throw startError(options.command, error as NodeJS.ErrnoException);
  } finally {
    for (const { theirs } of opened) closeSync(theirs);
  }
}

function spawnChild(options: LaunchOptions, stdio: StdioOptions): ChildProcess {
  const { command, args, environment, directory, user } = options;
  return born(options, () =>
    spawn(command, args, {
      cwd: directory,
      env: environment,
      uid: user.uid,
      gid: user.gid,
      detached: true,
      stdio,
    }),
  );
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

/** How much input may wait for a child that does not read, in bytes. */
const maxPendingInput = 16 * 1024 * 1024;

export function writeInput(stream: Writable | undefined, data: Buffer): Promise<void> {
  if (stream === undefined || !stream.writable)
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
