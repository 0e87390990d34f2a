import { untilAborted } from "./until-aborted.ts";

/** Runs work one at a time, in the order requested. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();
  #length = 0;

  /** True when nothing runs or waits. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /**
   * Runs `work` after everything before it. An abort leaves the queue; running work watches the signal itself. Work that
   * calls `pass` lets the next work begin before it has ended.
   */
  async run<T>(work: (pass: () => void) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#last;
    const { promise: mine, resolve: pass } = Promise.withResolvers<void>();
    this.#last = before.then(() => mine);
    this.#length += 1;
    try {
      await untilAborted(before, signal);
      return await work(pass);
    } finally {
      this.#length -= 1;
      pass();
    }
  }

  /** Resolves once everything queued so far has ended, or has called `pass`. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
