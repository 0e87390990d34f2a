/** Frames between the agent and a kernel: `[u32 big-endian length][u8 kind][payload]`. */

export const HEADER_BYTES: number = 5;
/** Longest payload that a kernel may announce, in bytes. */
export const MAX_FRAME_BYTES: number = 64 * 1024 * 1024;
/** Longest payload of a frame that is held back until it is complete, in bytes. */
const MAX_WHOLE_BYTES = 8 * 1024 * 1024;

/** What a kernel sends. */
export const FROM_KERNEL = {
  /** Lines of the protocol, or a piece of one: forwarded as they are. */
  output: 1,
  /** One error line. */
  error: 2,
  /** The execution is over; the payload is the number of the next one, in decimal. */
  end: 3,
  /** The kernel accepts executions; the payload says what is wrong with it, if anything. */
  ready: 4,
  /** First frame of a connection: the token that the agent gave for it. */
  hello: 5,
} as const;

/** What the agent sends. */
export const TO_KERNEL = { execute: 1, restored: 2, reset: 3, reportFiles: 4, become: 5 } as const;

/** Called for each piece of output as it arrives, and for every other frame once it is complete. */
export type FrameHandler = (kind: number, payload: Buffer) => void;

/** Splits a stream into frames without holding output back, so that nothing a kernel announces makes a buffer grow. */
export class FrameReader {
  #header: Buffer = Buffer.alloc(0);
  #kind = 0;
  #remaining = -1;
  #whole: Buffer[] = [];

  /** @throws Error when the bytes are not frames; the connection is then of no further use. */
  push(chunk: Buffer, handle: FrameHandler): void {
    let offset = 0;
    while (offset < chunk.length || this.#remaining === 0) {
      if (this.#remaining < 0) {
        offset = this.#readHeader(chunk, offset);
        continue;
      }
      const end = Math.min(chunk.length, offset + this.#remaining);
      const piece = offset === 0 && end === chunk.length ? chunk : chunk.subarray(offset, end);
      this.#remaining -= piece.length;
      offset = end;
      this.#take(piece, handle);
    }
  }

  #readHeader(chunk: Buffer, offset: number): number {
    let header = chunk;
    let start = offset;
    let end = offset + HEADER_BYTES - this.#header.length;
    if (this.#header.length > 0) {
      header = Buffer.concat([this.#header, chunk.subarray(offset, end)]);
      start = 0;
    }
    if (header.length - start < HEADER_BYTES) {
      this.#header = Buffer.from(header.subarray(start));
      return chunk.length;
    }
    this.#header = Buffer.alloc(0);
    const length = header.readUInt32BE(start);
    this.#kind = header[start + 4]!;
    if (this.#kind < FROM_KERNEL.output || this.#kind > FROM_KERNEL.hello)
      throw new Error(`no frame is of kind ${this.#kind}`);
    const limit = this.#kind === FROM_KERNEL.output ? MAX_FRAME_BYTES : MAX_WHOLE_BYTES;
    if (length > limit) throw new Error(`a frame of ${length} bytes is over the limit of ${limit}`);
    this.#remaining = length;
    return end;
  }

  #take(piece: Buffer, handle: FrameHandler): void {
    const done = this.#remaining === 0;
    if (done) this.#remaining = -1;
    if (this.#kind === FROM_KERNEL.output) {
      if (piece.length > 0) handle(this.#kind, piece);
      return;
    }
    if (done && this.#whole.length === 0) {
      handle(this.#kind, piece);
      return;
    }
    this.#whole.push(piece);
    if (!done) return;
    const payload = Buffer.concat(this.#whole);
    this.#whole = [];
    handle(this.#kind, payload);
  }
}

/** One frame, ready to be written. */
export function frame(kind: number, ...parts: Buffer[]): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  header.writeUInt32BE(length, 0);
  header[4] = kind;
  return Buffer.concat([header, ...parts], HEADER_BYTES + length);
}

/** The frame that runs code with some environment variables set. */
export function executeFrame(
  code: string,
  envs: Readonly<Record<string, string>> | undefined,
): Buffer {
  const variables = envs === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(envs));
  const size = Buffer.allocUnsafe(4);
  size.writeUInt32BE(variables.length, 0);
  return frame(TO_KERNEL.execute, size, variables, Buffer.from(code));
}
