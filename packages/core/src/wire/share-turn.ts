/** How long to work on data from sandboxes before everything else gets its turn, in milliseconds. */
const TURN_MS = 5;

let startedAt: number | undefined;

/**
 * Call this between pieces of work on data from a sandbox and await what it returns, if anything, so that nothing that
 * one sandbox sends keeps others waiting.
 */
export function shareTurn(): Promise<void> | undefined {
  if (startedAt === undefined) {
    startedAt = performance.now();
    setImmediate(() => (startedAt = undefined));
    return undefined;
  }
  if (performance.now() - startedAt < TURN_MS) return undefined;
  return new Promise((resolve) => setImmediate(resolve));
}
