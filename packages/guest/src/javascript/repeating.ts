/** Timers that repeat: unlike others, they seldom end by themselves. */

interface Repeating {
  hasRef(): boolean;
  /** Its period, in ms. */
  readonly _repeat: number;
  /** Node sets it once the timer is cleared, by whatever means. */
  _destroyed?: boolean;
}

const known = new Set<Repeating>();
/** A program may make and clear any number of them before anybody asks. */
const BATCH = 1024;

export function remember(timer: unknown): void {
  known.add(timer as Repeating);
  if (known.size % BATCH === 0) forgetCleared();
}

/** How many of them keep the process alive, of those whose period is not longer than that many ms. */
export function countRepeating(longest: number = Infinity): number {
  forgetCleared();
  let count = 0;
  for (const timer of known) if (timer.hasRef() && timer._repeat <= longest) count++;
  return count;
}

/** `setInterval` of `timers/promises`, whose timer is not visible. */
export function remembering<Value, Options extends { readonly ref?: boolean }>(
  original: (delay?: number, value?: Value, options?: Options) => AsyncIterable<Value>,
): typeof original {
  return async function* setInterval(delay, value, options) {
    const hasRef = (): boolean => options?.ref !== false;
    const timer = { hasRef, _repeat: delay ?? 1, _destroyed: false };
    remember(timer);
    try {
      yield* original(delay, value, options);
    } finally {
      timer._destroyed = true;
    }
  };
}

function forgetCleared(): void {
  for (const timer of known) if (timer._destroyed) known.delete(timer);
}
