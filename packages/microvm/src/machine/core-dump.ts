import { readFile } from "node:fs/promises";
import { requireProgram } from "../host/programs.ts";

/**
 * One byte, not zero: where the kernel pipes dumps to a program, it ignores every limit but 1. The shell's own `ulimit`
 * counts in blocks.
 */
const NO_CORE = "--core=1:1";

interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** Makes a command leave no core dump, which would hold the sandbox's memory. */
export async function withoutCore<Given extends Command>(command: Given): Promise<Given> {
  // A hard limit of zero cannot be raised to one.
  if (/^Max core file size\s+\S+\s+0 /m.test(await readFile("/proc/self/limits", "utf8")))
    return command;
  const args = [NO_CORE, command.file, ...command.args];
  return { ...command, file: requireProgram("prlimit"), args };
}
