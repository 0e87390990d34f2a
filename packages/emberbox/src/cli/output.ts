import { once } from "node:events";

/** Standard output, as a place to write to that may go away. */
export interface Output extends Disposable {
  /** Aborted when nobody reads standard output any more. */
  readonly broken: AbortSignal;
  /** Resolves when there is room for more. */
  write(text: string): Promise<void> | undefined;
}

export function openOutput(): Output {
  const controller = new AbortController();
  const onError = (error: NodeJS.ErrnoException): void => controller.abort(error);
  process.stdout.on("error", onError);
  return {
    broken: controller.signal,
    write(text) {
      if (controller.signal.aborted || process.stdout.write(text)) return undefined;
      return once(process.stdout, "drain", { signal: controller.signal }).then(
        () => {},
        () => {},
      );
    },
    [Symbol.dispose]() {
      process.stdout.off("error", onError);
      // What is still on its way may fail later; there is nobody left to tell.
      process.stdout.on("error", () => {});
    },
  };
}
