import { chownSync } from "node:fs";
import { createRequire } from "node:module";
import { exposeToOomKiller } from "../cgroup.ts";
import { pollable } from "../descriptor.ts";
import {
  born,
  startError,
  writeInput,
  type Child,
  type ChildListener,
  type LaunchOptions,
} from "./child.ts";
import { RpcError } from "./connect.ts";
import { signalName } from "./signals.ts";

/** In characters; 0 where it is not known. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

interface Forked {
  /** The terminal's other side, which does not block. */
  readonly fd: number;
  readonly pid: number;
  /** The terminal's path. */
  readonly pty: string;
}

/** The native half of node-pty. Its JavaScript half hides the terminal's stream, and so how much waits there. */
interface PtyBinding {
  fork(
    file: string,
    args: readonly string[],
    environment: readonly string[],
    directory: string,
    columns: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    onExit: (exitCode: number, signal: number) => void,
  ): Forked;
  resize(descriptor: number, columns: number, rows: number): void;
}

/** Debian's group `tty`, which the machine's terminals are made with. */
const terminalGroup = 5;

let loaded: PtyBinding | undefined;

/** Loaded when a terminal is first asked for: `pty.node` is beside the bundle. */
function binding(): PtyBinding {
  if (loaded === undefined) {
    const require = createRequire(import.meta.url);
    try {
      loaded = require("./pty.node") as PtyBinding;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
      loaded = require(`@lydell/node-pty-linux-${process.arch}/pty.node`) as PtyBinding;
    }
    // The native fork keeps supplementary groups, which the user must not get; root needs none.
    if (isRoot()) process.setgroups!([]);
  }
  return loaded;
}

/** Starts a child that leads a session with a terminal of its own. */
export function launchOnTerminal(
  options: LaunchOptions,
  size: TerminalSize,
  listener: ChildListener,
): Child {
  const pty = binding();
  let hasExited = false;
  const {
    fd,
    pid,
    pty: path,
  } = fork(pty, options, size, (exitCode, signal) => {
    hasExited = true;
    if (signal > 0) listener.exit(null, signalName(signal) ?? "SIGKILL");
    else listener.exit(exitCode, null);
  });
  exposeToOomKiller(pid);
  // As a login does: programs open their terminal by its name.
  if (isRoot()) chownSync(path, options.user.uid, terminalGroup);
  // Node's own streams for terminals wait, with everything else, until a program has read what is written to it.
  const output = pollable(fd, { writable: true });
  output.on("data", (chunk: Buffer) => listener.output("pty", chunk));
  // Reading fails with EIO once the last process has closed the terminal.
  output.on("error", () => output.destroy());
  output.on("close", () => listener.closed());
  return {
    pid,
    pause: () => void output.pause(),
    resume: () => void output.resume(),
    // Hangs up, as closing a terminal's window does.
    discard: () => void output.destroy(),
    write: (kind, data) => {
      if (kind === "stdin")
        throw new RpcError("failed_precondition", "the process has a terminal: send to its pty");
      return writeInput(output, data);
    },
    closeInput: () => {
      throw new RpcError(
        "failed_precondition",
        "cannot close stdin of a terminal: send Ctrl+D (0x04) instead",
      );
    },
    resize: (columns, rows) => {
      if (!hasExited && !output.destroyed) pty.resize(fd, columns, rows);
    },
  };
}

function fork(
  pty: PtyBinding,
  options: LaunchOptions,
  { columns, rows }: TerminalSize,
  onExit: (exitCode: number, signal: number) => void,
): Forked {
  const { command, args, environment, directory, user } = options;
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  try {
    return born(options, () =>
      pty.fork(
        command,
        args,
        variables,
        directory,
        columns,
        rows,
        user.uid,
        user.gid,
        true,
        "",
        onExit,
      ),
    );
  } catch (error) {
    const { message } = error as Error;
    throw startError(
      command,
      Object.assign(new Error(message), { code: /fork/.test(message) ? "EAGAIN" : "EINVAL" }),
    );
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
