const SMALLEST = 512;

/** Joins bytes that come in pieces. Each is copied a few times at most, and the pieces themselves are not retained. */
export class GrowingBytes {
  #room: Buffer = Buffer.alloc(0);
  length = 0;

  push(piece: Buffer): void {
    const length = this.length + piece.length;
    if (length > this.#room.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(SMALLEST, length, 2 * this.#room.length));
      this.#room.copy(larger, 0, 0, this.length);
      this.#room = larger;
    }
    piece.copy(this.#room, this.length);
    this.length = length;
  }

  /** All bytes so far; valid until more come. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.length);
  }
}
