import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { SOURCE, sourceNode } from "../../scripts/source.ts";

/** An account that nobody has; nothing of the machine is its own. */
export const ORDINARY_ID = 64_950;

const PROGRAM = join(import.meta.dirname, "become-ordinary.ts");

/**
 * Calls a function that a module exports in a process that gives up root for good first, and resolves to what it
 * returns, as JSON has it. The process reads the modules as root: it need not be let into our directories.
 */
export async function asOrdinaryUser(
  module: string,
  name: string,
  args: readonly unknown[],
  environment: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const child = spawn(sourceNode, [SOURCE, PROGRAM, module, name, JSON.stringify(args)], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  const answer = out.split("\n").find((line) => line.startsWith(ANSWER));
  if (answer === undefined) throw new Error(`the ordinary user's process failed: ${errors}`);
  return JSON.parse(answer.slice(ANSWER.length));
}

export const ANSWER = "answer: ";
