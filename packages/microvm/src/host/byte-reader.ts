const NEWLINE = 0x0a;

/** Reads a stream from its beginning to its end, in pieces that whoever reads it chooses. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  #received = 0;

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Bytes that have been handed out. */
  get position(): number {
    return this.#received - this.#held.length;
  }

  /** The next line without its end, or `undefined` if it is longer than that many bytes, or cut. */
  async line(mostBytes: number): Promise<string | undefined> {
    for (;;) {
      const end = this.#held.subarray(0, mostBytes + 1).indexOf(NEWLINE);
      if (end !== -1) {
        const line = this.#held.subarray(0, end).toString();
        this.#held = this.#held.subarray(end + 1);
        return line;
      }
      if (this.#held.length > mostBytes) return undefined;
      const more = await this.#receive();
      if (more === undefined) return undefined;
      this.#held = Buffer.concat([this.#held, more]);
    }
  }

  /** The next `count` bytes, chunk by chunk; fewer if the stream ends before. */
  async *take(count: number): AsyncGenerator<Buffer, void> {
    for (let left = count; left > 0;) {
      const chunk = await this.#next();
      if (chunk === undefined) return;
      const part = chunk.subarray(0, left);
      this.#held = chunk.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  /** Whether there is nothing more. */
  async isAtEnd(): Promise<boolean> {
    const chunk = await this.#next();
    this.#held = chunk ?? this.#held;
    return chunk === undefined;
  }

  /** The next bytes, however many came at once. */
  async #next(): Promise<Buffer | undefined> {
    let chunk: Buffer | undefined = this.#held;
    while (chunk?.length === 0) chunk = await this.#receive();
    this.#held = Buffer.alloc(0);
    return chunk;
  }

  async #receive(): Promise<Buffer | undefined> {
    const { done, value } = await this.#chunks.next();
    if (done) return undefined;
    this.#received += value.length;
    return value;
  }
}
