/** Work that several callers may ask for at once. */
export interface SharedWork<Value> {
  /** The result of the work named `key`, begun by the first caller. A signal stops only its own caller's wait. */
  get(
    key: string,
    begin: (signal: AbortSignal) => Promise<Value>,
    signal?: AbortSignal,
  ): Promise<Value>;
  /** Forgets a result. */
  forget(key: string): void;
  /** Work in progress, by name. */
  going(): ReadonlyMap<string, Promise<Value>>;
  /** Stops work in progress, for all who wait. Resolves when it has ended, one way or the other. */
  stop(key: string, reason: Error): Promise<void>;
}

interface Entry<Value> {
  readonly work: Promise<Value>;
  readonly controller: AbortController;
  waiting: number;
  settled: boolean;
}

/**
 * Work is stopped when the last caller that waited for it has gone; failed work is begun again by the next caller.
 * Results are kept for later callers, unless `keeps` is false.
 */
export function createSharedWork<Value>({
  keeps = true,
}: {
  readonly keeps?: boolean;
} = {}): SharedWork<Value> {
  const entries = new Map<string, Entry<Value>>();

  const start = (key: string, begin: (signal: AbortSignal) => Promise<Value>): Entry<Value> => {
    const controller = new AbortController();
    const work = begin(controller.signal);
    const entry: Entry<Value> = { work, controller, waiting: 0, settled: false };
    const settle = (failed: boolean): void => {
      entry.settled = true;
      if ((failed || !keeps) && entries.get(key) === entry) entries.delete(key);
    };
    work.then(
      () => settle(false),
      () => settle(true),
    );
    entries.set(key, entry);
    return entry;
  };

  return {
    async get(key, begin, signal) {
      signal?.throwIfAborted();
      const entry = entries.get(key) ?? start(key, begin);
      entry.waiting++;
      const aborted = Promise.withResolvers<never>();
      const onAbort = (): void => aborted.reject(signal!.reason as Error);
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        return await Promise.race([entry.work, aborted.promise]);
      } finally {
        signal?.removeEventListener("abort", onAbort);
        entry.waiting--;
        if (entry.waiting === 0 && !entry.settled) {
          entries.delete(key);
          entry.controller.abort(signal?.reason);
        }
      }
    },
    forget: (key) => void entries.delete(key),
    going: () =>
      new Map(
        [...entries].filter(([, { settled }]) => !settled).map(([key, { work }]) => [key, work]),
      ),
    async stop(key, reason) {
      const entry = entries.get(key);
      if (!entry || entry.settled) return;
      entry.controller.abort(reason);
      await entry.work.catch(() => {});
    },
  };
}
