/** Lets `work` run without anyone awaiting it; a failure goes to `onFailure`. */
export function background(work: Promise<unknown>, onFailure: (error: unknown) => void): void {
  work.catch(onFailure).catch(warning("What was to hear of a failure"));
}

/** Returns a handler that reports a failure as a Node warning, which never ends the process. */
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
 * Wraps a user's callback that belongs to no call, so that it is safe to call: if it throws or rejects, whatever it was
 * told about carries on, and only the first failure is reported, as a warning under `name`. The wrapper's promise never
 * rejects.
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
