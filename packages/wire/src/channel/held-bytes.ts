/** A part of at least this size is kept as it is: the chunk that it came in is not much larger. */
const WHOLE_BYTES = 16_384;
const SMALLEST_BLOCK = 1024;
const LARGEST_BLOCK = 65_536;

/**
 * Bytes that wait for their reader. Small parts are copied into blocks, so that keeping them costs about as much as
 * their bytes: a part is a view of the chunk that it came in, and would retain all of that.
 */
export class HeldBytes {
  #parts: Buffer[] = [];
  /** The last of the parts while it has room, together with its filled beginning. */
  #block: Buffer | undefined;
  #filled = 0;
  #size = SMALLEST_BLOCK;
  length = 0;

  push(part: Buffer): void {
    this.length += part.length;
    if (part.length >= WHOLE_BYTES) {
      this.#close();
      this.#parts.push(part);
      return;
    }
    for (let at = 0; at < part.length;) {
      this.#block ??= this.#newBlock(part.length - at);
      const copied = part.copy(this.#block, this.#filled, at);
      this.#filled += copied;
      at += copied;
      if (this.#filled === this.#block.length) this.#close();
    }
  }

  /** Takes the first bytes, at most `limit` of them. */
  shift(limit: number): Buffer | undefined {
    if (this.#parts.length === 0) this.#close();
    const first = this.#parts[0];
    if (first === undefined) return undefined;
    const taken = first.length <= limit ? first : first.subarray(0, limit);
    if (taken === first) this.#parts.shift();
    else this.#parts[0] = first.subarray(limit);
    this.length -= taken.length;
    if (this.length === 0) this.#size = SMALLEST_BLOCK;
    return taken;
  }

  clear(): void {
    this.#parts = [];
    this.#block = undefined;
    this.length = 0;
  }

  /** Twice as large as the previous one, so that a few bytes do not retain a large block. */
  #newBlock(wanted: number): Buffer {
    const size = Math.min(LARGEST_BLOCK, Math.max(this.#size, wanted));
    this.#size = Math.min(LARGEST_BLOCK, size * 2);
    this.#filled = 0;
    return Buffer.allocUnsafeSlow(size);
  }

  #close(): void {
    if (this.#block === undefined) return;
    this.#parts.push(this.#block.subarray(0, this.#filled));
    this.#block = undefined;
  }
}

/** A part that retains no more than itself. */
export function ownBytes(part: Buffer): Buffer {
  if (part.length >= WHOLE_BYTES) return part;
  const copy = Buffer.allocUnsafeSlow(part.length);
  part.copy(copy);
  return copy;
}
