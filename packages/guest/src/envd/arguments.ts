import { chmodSync, chownSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RpcError } from "./connect.ts";
import type { ProcessConfig } from "./process.ts";
import { runDirectory } from "./run-directory.ts";
import type { User } from "./users.ts";

/** What the kernel passes to a program: the longest text, with its NUL, and all of them together, in bytes. */
const maxTextBytes = 128 * 1024;
const maxBytes = 2 * 1024 * 1024;
const pointerBytes = 8;

/** The arguments that a process is started with. */
export interface Arguments {
  readonly args: readonly string[];
  /** Call it when the process has ended. */
  readonly remove: () => void;
}

/** A process's arguments; a command line that is too long for one is put into a file, which the shell reads. */
export function fittingArguments(
  { cmd, args }: ProcessConfig,
  user: User,
  environment: Readonly<Record<string, string>>,
): Arguments {
  const at = commandLineAt(cmd, args);
  if (at === undefined || fits(args[at]!)) {
    demandFitting(args, environment);
    return { args, remove: () => {} };
  }
  const path = join(directory(), String(written++));
  const shorter = args.with(at, `. '${path}'`);
  demandFitting(shorter, environment);
  writeFileSync(path, args[at]!, { mode: 0o400, flag: "wx" });
  if (process.getuid?.() === 0) chownSync(path, user.uid, user.gid);
  return { args: shorter, remove: () => rmSync(path, { force: true }) };
}

/** Where the command line is among the arguments of a shell, if it has one. */
function commandLineAt(cmd: string, args: readonly string[]): number | undefined {
  if (!/(^|\/)(ba|da)?sh$/.test(cmd)) return undefined;
  const at = args.findIndex((arg) => !/^[-+]/.test(arg) || !fits(arg));
  if (at < 0) return undefined;
  return args.slice(0, at).some((arg) => /^-[a-z]*c$/.test(arg)) ? at : undefined;
}

let shared: string | undefined;
let written = 0;

/** A directory whose files can be opened by who knows their names. */
function directory(): string {
  if (shared !== undefined) return shared;
  const made = runDirectory("commands");
  if (made === undefined)
    throw new RpcError("internal", "there is no place for a long command line");
  chmodSync(made, 0o711);
  return (shared = made);
}

/** Refuses what the kernel would not pass on: what it says then, nobody understands. */
function demandFitting(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): void {
  const texts = [
    ...args,
    ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
  ];
  if (!texts.every(fits))
    throw tooLong(`an argument or a variable is longer than ${maxTextBytes / 1024} KiB`);
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1 + pointerBytes, 0);
  if (bytes > maxBytes)
    throw tooLong(
      `the arguments and variables together are larger than ${maxBytes / 1024 ** 2} MiB`,
    );
}

function tooLong(what: string): RpcError {
  return new RpcError(
    "invalid_argument",
    `${what}, which is the most that a program can be started with: use a file or standard input`,
  );
}

function fits(text: string): boolean {
  return text.length < maxTextBytes && Buffer.byteLength(text) < maxTextBytes;
}
