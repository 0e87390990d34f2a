import { execFile, execFileSync } from "node:child_process";
import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { runDirectory } from "./run-directory.ts";

/** A pipe between the agent, which has `ours`, and a child, which gets a copy of the descriptor `theirs`. */
export interface Pipe {
  readonly ours: Socket;
  readonly theirs: number;
}

/**
 * Makes pipes. What Node itself puts between a parent and a child are sockets, which cannot be opened by name, so that
 * `| tee /dev/stderr` fails. Node cannot make pipes either, but it can open named ones, each of which is used once.
 */
export interface PipeMaker {
  /** A pipe out of the child. */
  output(): Pipe;
  /** A pipe into the child. */
  input(): Pipe;
  /** Opens some ahead; call it when there is time. */
  refill(): void;
}

const batch = 256;
const fewLeft = 64;
/** Opened ahead, between commands, so that no command has to wait for it. */
const outputsAhead = 4;

export function createPipeMaker(): PipeMaker {
  const directory = runDirectory("pipes");
  if (directory === undefined) throw new Error("there is no place for named pipes");
  const unused: string[] = [];
  let made = 0;
  let isMaking = false;

  const nextNames = (): string[] =>
    Array.from({ length: batch }, () => join(directory, String(made++)));

  function makeMore(): void {
    if (isMaking) return;
    isMaking = true;
    const names = nextNames();
    execFile("mkfifo", ["-m", "666", ...names], (error) => {
      isMaking = false;
      if (error === null) unused.push(...names);
    });
  }

  function take(): string {
    if (unused.length === 0) {
      const names = nextNames();
      execFileSync("mkfifo", ["-m", "666", ...names], { stdio: "ignore" });
      unused.push(...names);
    }
    if (unused.length <= fewLeft) makeMore();
    return unused.pop()!;
  }

  /** Opens the next named pipe, and removes its name. */
  function open<T>(work: (name: string) => T): T {
    const name = take();
    try {
      return work(name);
    } finally {
      unlinkSync(name);
    }
  }

  const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;

  function openOutput(): Pipe {
    return open((name) => {
      const fd = openSync(name, O_RDONLY | O_NONBLOCK);
      const theirs = openSync(name, O_WRONLY);
      return { ours: new Socket({ fd, readable: true, writable: false }), theirs };
    });
  }

  const ahead = Array.from({ length: outputsAhead }, openOutput);
  return {
    output: () => ahead.pop() ?? openOutput(),
    refill: () => {
      try {
        while (ahead.length < outputsAhead) ahead.push(openOutput());
      } catch {
        // Whoever needs one will get the error.
      }
    },
    input: () =>
      open((name) => {
        // Unless both ends are open already, opening either would block or fail.
        const both = openSync(name, O_RDWR);
        const theirs = openSync(name, O_RDONLY);
        const fd = openSync(name, O_WRONLY | O_NONBLOCK);
        closeSync(both);
        return { ours: new Socket({ fd, readable: false, writable: true }), theirs };
      }),
  };
}
