import { createInterface } from "node:readline/promises";

/** Asks on the terminal. An empty answer counts as `whenEmpty`, any other that is not a yes as a no. */
export async function confirm(
  question: string,
  whenEmpty: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Here Ctrl-C is only a key.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    const answer = await terminal.question(`${question} ${whenEmpty ? "[Y/n]" : "[y/N]"} `, {
      signal,
    });
    return answer.trim() === "" ? whenEmpty : /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
