/** How long what sandboxes sent may be worked on before everything else has its turn, `ms`. */
const TURN_MS = 5;

let startedAt: number | undefined;

/**
 * To be called between pieces of work on what a sandbox sent: what it returns, if anything, is to be awaited, so that
 * whatever one sandbox sends, others are not kept waiting.
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
