import { Readable } from "node:stream";

function problem(question = ""): Error {
  return new Error(
    `input was asked for (${question.trim() || "no prompt"}), but code here runs without a keyboard. Put the value into a variable instead.`,
  );
}

/** Code that asks for input fails at once with the reason, instead of waiting for it. */
export function provideNoKeyboard(asked: (error: Error) => void): void {
  for (const name of ["prompt", "confirm"]) {
    const value = (question?: unknown): never => {
      throw problem(String(question ?? ""));
    };
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
  let stdin: Readable | undefined;
  const open = (): Readable =>
    new Readable({
      read() {
        // Nobody handles an error of this stream: whatever waits for a line would keep waiting.
        this.push(null);
        asked(problem());
      },
    });
  Object.defineProperty(process, "stdin", {
    get: () => (stdin?.readable ? stdin : (stdin = open())),
    configurable: true,
    enumerable: true,
  });
}
