/** Hands pieces from a writer to a reader, who sets the pace. When either fails, the other does, with the same error. */
export class Handover implements AsyncIterable<Uint8Array> {
  #given = deferred<Uint8Array | undefined>();
  #taken = deferred<void>();
  #failure: { readonly error: unknown } | undefined;

  /** Resolves when the reader wants more. Only one may be under way. */
  async write(piece: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#given.resolve(piece);
    await this.#taken.promise;
    this.#taken = deferred();
  }

  /** There is no more. */
  end(): void {
    this.#given.resolve(undefined);
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#given.reject(error);
    this.#taken.reject(error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = await this.#given.promise;
      if (piece === undefined) return;
      yield piece;
      if (this.#failure !== undefined) throw this.#failure.error;
      this.#given = deferred();
      this.#taken.resolve();
    }
  }
}

/** One whose rejection nobody needs to hear of. */
function deferred<Value>(): PromiseWithResolvers<Value> {
  const made = Promise.withResolvers<Value>();
  made.promise.catch(() => {});
  return made;
}
