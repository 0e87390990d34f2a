/** Work that nobody waits for: its failure goes to `onFailure`. */
export function background(work: Promise<unknown>, onFailure: (error: unknown) => void): void {
  work.catch(onFailure).catch(warning("What was to hear of a failure"));
}

/** Tells of a failure that nobody waits for by a warning of Node's, which ends nothing. */
export function warning(what: string): (error: unknown) => void {
  return (error) => {
    const [message, detail] =
      error instanceof Error ? [error.message, error.stack] : [String(error), undefined];
    process.emitWarning(`${what} failed: ${message}`, {
      type: "EmberboxWarning",
      ...(detail !== undefined && { detail }),
    });
  };
}

/**
 * A user's callback that belongs to no call, to be called with no care: when it throws, or the promise that it returns
 * rejects, what it was to hear of goes on. A warning tells of the first time; `name` is what users know it by. What
 * this returns may be awaited, and never rejects.
 */
export function notifier<Args extends readonly unknown[]>(
  name: string,
  callback: ((...args: Args) => unknown) | undefined,
): (...args: Args) => unknown {
  if (callback === undefined) return () => {};
  const warn = warning(`The callback \`${name}\``);
  let warned = false;
  const onFailure = (error: unknown): void => {
    if (!warned) warn(error);
    warned = true;
  };
  const call = async (...args: Args): Promise<unknown> => callback(...args);
  return (...args) => call(...args).catch(onFailure);
}
