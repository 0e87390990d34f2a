/**
 * Settles with `work`, or with what `late` gives or throws when that takes longer than `ms`; `work` goes on.
 * `ref` says whether the timer keeps the program alive. @default true
 */
export async function within<T, Late>(
  ms: number,
  work: Promise<T>,
  late: () => Late,
  { ref = true }: { readonly ref?: boolean } = {},
): Promise<T | Late> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  if (!ref) timer.unref();
  try {
    return await Promise.race([work, promise.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}
