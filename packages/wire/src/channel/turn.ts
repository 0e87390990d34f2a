/** How much of one turn of the event loop a session may take before others have theirs, in ms. */
const TURN_MS = 4;

/** Shares the event loop with other sessions: whoever has much to do continues in the next turn. */
export class Turn {
  /** Counts the turns in which there was something to do. */
  number = 0;
  #startedAt = 0;
  #isOpen = false;
  #waiting: (() => void)[] = [];

  /** Whether there is time left in this turn. */
  hasTime(): boolean {
    if (this.#isOpen) return performance.now() - this.#startedAt < TURN_MS;
    this.#isOpen = true;
    this.number++;
    this.#startedAt = performance.now();
    setImmediate(() => this.#end());
    return true;
  }

  /** Calls back in the next turn. */
  next(callback: () => void): void {
    this.hasTime();
    this.#waiting.push(callback);
  }

  #end(): void {
    this.#isOpen = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callback();
  }
}
