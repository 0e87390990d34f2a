import type { SandboxConcurrencyLimits } from "@openai/agents-core/sandbox";

/** How much of a manifest is worked on at once. */
export type Limits = Required<SandboxConcurrencyLimits>;

/** The framework's default. */
const USUAL = 4;
/** More at once would only take memory. */
const MOST = 64;

/** Fills in the framework's defaults. */
export function resolveLimits({
  manifestEntries = USUAL,
  localDirFiles = USUAL,
}: SandboxConcurrencyLimits = {}): Limits {
  return {
    manifestEntries: Math.floor(manifestEntries),
    localDirFiles: Math.floor(localDirFiles),
  };
}

/**
 * Works on at most `limit` items at once, taking them in order. After a failure no more are begun, and those that were
 * are waited for.
 */
export async function workOn<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const source =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const over = new AbortController();
  const worker = async (): Promise<void> => {
    try {
      while (!over.signal.aborted) {
        const next = await source.next();
        if (next.done === true) return;
        await work(next.value);
      }
    } finally {
      over.abort();
    }
  };
  const workers = Array.from({ length: Math.min(limit, MOST) }, worker);
  for (const result of await Promise.allSettled(workers))
    if (result.status === "rejected") throw result.reason;
}
