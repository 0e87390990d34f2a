import { shareTurn } from "./share-turn.ts";

const EMPTY: Buffer = Buffer.alloc(0);
/** Pieces of at least this size are kept as they are: the chunk that they came in is not much larger. */
const WHOLE_BYTES = 16_384;
const BLOCK_BYTES = 65_536;

/**
 * Gathers bytes that arrive in pieces. Small pieces are copied together: each would otherwise keep its whole chunk
 * alive.
 */
export class Gathered {
  #parts: Buffer[] = [];
  #block: Buffer | undefined;
  #filled = 0;
  length = 0;

  push(piece: Buffer): void {
    this.length += piece.length;
    if (piece.length >= WHOLE_BYTES) {
      this.#close();
      this.#parts.push(piece);
      return;
    }
    for (let at = 0; at < piece.length;) {
      // Grows with what is gathered, so that a few bytes do not hold a large block.
      this.#block ??= Buffer.allocUnsafeSlow(
        Math.min(BLOCK_BYTES, Math.max(256, this.length, piece.length - at)),
      );
      const copied = piece.copy(this.#block, this.#filled, at);
      this.#filled += copied;
      at += copied;
      if (this.#filled === this.#block.length) this.#close();
    }
  }

  /** Takes everything. */
  take(): Buffer {
    this.#close();
    const [first] = this.#parts;
    const all = this.#parts.length === 1 ? first! : Buffer.concat(this.#parts, this.length);
    this.#parts = [];
    this.length = 0;
    return all;
  }

  /** Takes everything, letting other work run in between. */
  async takeLarge(): Promise<Buffer> {
    this.#close();
    if (this.#parts.length < 2) return this.take();
    const all = Buffer.allocUnsafeSlow(this.length);
    const parts = this.#parts;
    this.#parts = [];
    this.length = 0;
    let at = 0;
    for (const [index, part] of parts.entries()) {
      at += part.copy(all, at);
      // Frees what was copied.
      parts[index] = EMPTY;
      await shareTurn();
    }
    return all;
  }

  #close(): void {
    if (this.#block === undefined) return;
    this.#parts.push(this.#block.subarray(0, this.#filled));
    this.#block = undefined;
    this.#filled = 0;
  }
}
