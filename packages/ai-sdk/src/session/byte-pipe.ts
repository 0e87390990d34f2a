import { EmberboxError } from "@emberbox/core";

/** The most bytes that wait for a reader. */
const MAX_WAITING = 8 * 1024 * 1024;
/** What a chunk costs in addition to its bytes: a command may print them one by one. */
const CHUNK_COST = 200;

/**
 * One stream of a command, for a reader who may come later or never. While somebody reads, a full pipe slows the
 * command down. While nobody does, anything that no longer fits is dropped so that the command can go on, and the
 * reader gets an error after the part that was kept.
 */
export class BytePipe {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  #dropped = false;
  #ended: { readonly error: unknown } | undefined;
  #cancelled = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  constructor() {
    this.readable = new ReadableStream(
      {
        pull: (controller) => this.#pull(controller),
        cancel: () => {
          this.#cancelled = true;
          this.#chunks.length = 0;
          this.#wakeWriter?.();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** Takes bytes. Await what it returns, if anything, before pushing more. */
  push(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#cancelled || this.#dropped || this.#ended !== undefined) return undefined;
    if (this.#size < MAX_WAITING) return this.#keep(bytes);
    if (this.readable.locked) return this.#keepWhenRead(bytes);
    this.#dropped = true;
    return undefined;
  }

  end(error: unknown): void {
    this.#ended ??= { error };
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  #keep(bytes: Uint8Array): undefined {
    // Copied, since it may be a small part of a large buffer.
    this.#chunks.push(bytes.slice());
    this.#size += bytes.length + CHUNK_COST;
    this.#wakeReader?.();
  }

  async #keepWhenRead(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
    if (!this.#cancelled) this.#keep(bytes);
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (this.#chunks.length === 0 && this.#ended === undefined && !this.#dropped) {
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
      if (this.#cancelled) return;
    }
    const next = this.#chunks.shift();
    if (next !== undefined) {
      this.#size -= next.length + CHUNK_COST;
      this.#wakeWriter?.();
      controller.enqueue(next);
    } else if (this.#dropped) {
      controller.error(
        new EmberboxError(
          "file_too_large",
          "Nobody read the command's output, so that only its beginning was kept; the rest is lost",
        ),
      );
    } else if (this.#ended?.error === undefined) controller.close();
    else controller.error(this.#ended.error);
  }
}
