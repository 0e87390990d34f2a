import { constants } from "node:os";

/** Ctrl-C may reach this process twice: from the terminal, and passed on by the program that started it. In ms. */
const REPEAT_MS = 500;

/** Turns the signals that ask a program to end into an aborted `AbortSignal`. */
export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
  /** 128 plus the signal's number, once there was one. */
  readonly exitCode: number | undefined;
}

export function listenForInterrupt(): Interrupt {
  const controller = new AbortController();
  let exitCode: number | undefined;
  let first = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    if (exitCode === undefined) {
      exitCode = 128 + constants.signals[name];
      first = Date.now();
      controller.abort(new Error(`interrupted by ${name}`));
    } else if (Date.now() - first > REPEAT_MS) process.exit(exitCode);
  };
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
