import { createInterface } from "node:readline/promises";

/** Whether there is somebody to ask. */
export const canAsk = (): boolean => process.stdin.isTTY && process.stderr.isTTY;

/** Asks on the terminal. An empty answer counts as `whenEmpty`, any other that is not a yes as a no. */
export async function confirm(
  question: string,
  whenEmpty: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await askLine(`${question} ${whenEmpty ? "[Y/n]" : "[y/N]"} `, signal);
  return answer === "" ? whenEmpty : /^y(es)?$/i.test(answer);
}

/** Asks for one of these letters, of which a word may begin with one; any other answer is none. */
export async function ask<Letter extends string>(
  question: string,
  letters: readonly Letter[],
  signal: AbortSignal,
): Promise<Letter | undefined> {
  const answer = (await askLine(`${question} [${letters.join("/")}] `, signal)).toLowerCase();
  return letters.find((letter) => answer.startsWith(letter));
}

async function askLine(question: string, signal: AbortSignal): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Here Ctrl-C is only a key.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const end = new AbortController();
  // Nobody types any more.
  terminal.on("close", () => end.abort(new Error("The terminal was closed")));
  try {
    const either = AbortSignal.any([signal, end.signal]);
    return (await terminal.question(question, { signal: either })).trim();
  } finally {
    terminal.close();
  }
}
