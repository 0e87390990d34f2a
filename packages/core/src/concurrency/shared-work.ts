import { untilAborted } from "./until-aborted.ts";

interface Work<Value> {
  readonly promise: Promise<Value>;
  readonly controller: AbortController;
  waiting: number;
  /** No caller waits for it any more, so it is being stopped. */
  abandoned: boolean;
  settled: boolean;
}

/**
 * Work that several callers may ask for at once, by name. It is stopped when the last caller that waited for it has
 * gone; failed work is begun again by the next caller.
 */
export class SharedWork<Value> {
  readonly #works = new Map<string, Work<Value>>();
  readonly #keeps: boolean;

  /** `keeps` says whether results are kept for later callers. @default true */
  constructor({ keeps = true }: { readonly keeps?: boolean } = {}) {
    this.#keeps = keeps;
  }

  /**
   * The result of the work named `key`, begun by the first caller, but not before abandoned work of that name has ended.
   * A signal stops only its own caller's wait.
   */
  async get(
    key: string,
    begin: (signal: AbortSignal) => Promise<Value>,
    signal?: AbortSignal,
  ): Promise<Value> {
    signal?.throwIfAborted();
    let work = this.#works.get(key);
    while (work?.abandoned === true) {
      await untilAborted(ended(work), signal);
      work = this.#works.get(key);
    }
    work ??= this.#begin(key, begin);
    work.waiting += 1;
    try {
      return await untilAborted(work.promise, signal);
    } finally {
      work.waiting -= 1;
      if (work.waiting === 0 && !work.settled) {
        work.abandoned = true;
        work.controller.abort(signal?.reason);
      }
    }
  }

  /** Forgets a result. */
  forget(key: string): void {
    this.#works.delete(key);
  }

  /** Work in progress, by name. */
  going(): ReadonlyMap<string, Promise<Value>> {
    const going = [...this.#works].filter(([, { settled }]) => !settled);
    return new Map(going.map(([key, { promise }]) => [key, promise]));
  }

  /** Stops work in progress, for all who wait. Resolves when it has ended, one way or the other. */
  async stop(key: string, reason: Error): Promise<void> {
    const work = this.#works.get(key);
    if (work === undefined || work.settled) return;
    work.controller.abort(reason);
    await ended(work);
  }

  #begin(key: string, begin: (signal: AbortSignal) => Promise<Value>): Work<Value> {
    const controller = new AbortController();
    const promise = begin(controller.signal);
    const work: Work<Value> = {
      promise,
      controller,
      waiting: 0,
      abandoned: false,
      settled: false,
    };
    const settle = (failed: boolean): void => {
      work.settled = true;
      const keep = this.#keeps && !failed && !work.abandoned;
      if (!keep && this.#works.get(key) === work) this.#works.delete(key);
    };
    promise.then(
      () => settle(false),
      () => settle(true),
    );
    this.#works.set(key, work);
    return work;
  }
}

/** Resolves when it has ended, one way or the other. */
async function ended({ promise }: Work<unknown>): Promise<void> {
  await promise.catch(() => {});
}
