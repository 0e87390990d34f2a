import { readFileSync } from "node:fs";
import { requireProgram } from "../qemu.ts";

/**
 * One byte, not none: a program that the kernel pipes dumps to gets them whatever the limit is, unless it is 1. The
 * shell counts in blocks.
 */
const NO_CORE = "--core=1:1";

interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** A command that leaves no core dump: it would hold the sandbox's memory. */
export function withoutCore<Given extends Command>(command: Given): Given {
  // Where not even a byte is allowed there is nothing to be raised to one.
  if (/^Max core file size\s+\S+\s+0 /m.test(readFileSync("/proc/self/limits", "utf8")))
    return command;
  const args = [NO_CORE, command.file, ...command.args];
  return { ...command, file: requireProgram("prlimit"), args };
}
