/** How much longer than a time limit that it enforces itself the sandbox may take to report it, in milliseconds. */
export const SAFETY_MS = 13_000;

/**
 * A time limit on waiting for the sandbox. It does not expire while the caller's own callback runs, since the sandbox's
 * answer may already be waiting to be read.
 */
export class TimeLimit implements Disposable {
  readonly #onReached: () => void;
  #timer: NodeJS.Timeout | undefined;
  #held = false;
  #reachedWhileHeld = false;

  constructor(onReached: () => void) {
    this.#onReached = onReached;
  }

  /** Starts or restarts. 0 means no limit. */
  start(milliseconds: number): void {
    clearTimeout(this.#timer);
    if (milliseconds === 0) return;
    // Longer delays overflow the timer, which then fires at once.
    this.#timer = setTimeout(() => this.#reached(), Math.min(milliseconds, 2 ** 31 - 1));
  }

  /** Waits for a callback's promise without counting that time against the sandbox. */
  async hold(work: PromiseLike<unknown>): Promise<void> {
    this.#held = true;
    await work;
    this.#held = false;
    if (this.#reachedWhileHeld) this.start(SAFETY_MS);
    this.#reachedWhileHeld = false;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #reached(): void {
    if (this.#held) this.#reachedWhileHeld = true;
    else this.#onReached();
  }
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
