import { once } from "node:events";
import type { ServerResponse } from "node:http";

/** What is sent at once, and of text. */
const PIECE = 512 * 1024;
const TEXT = 16 * 1024;
const HEADER = 5;
const kinds = { text: 0, content: 1 } as const;

/** An answer in frames: a byte says of what kind one is, and four, the highest first, how long. */
export class Frames {
  readonly #response: ServerResponse;
  #piece = Buffer.allocUnsafeSlow(PIECE);
  #filled = 0;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  async makeRoom(bytes: number): Promise<void> {
    if (this.#filled + HEADER + bytes > PIECE) await this.send();
  }

  /** `fill` returns where what it put ends; if it is nothing, there is no frame. */
  putContent(fill: (piece: Buffer, at: number) => number | undefined): boolean {
    return this.#put(kinds.content, fill);
  }

  #put(kind: number, fill: (piece: Buffer, at: number) => number | undefined): boolean {
    const begin = this.#filled + HEADER;
    const end = fill(this.#piece, begin);
    if (end === undefined) return false;
    this.#piece[this.#filled] = kind;
    this.#piece.writeUInt32BE(end - begin, this.#filled + 1);
    this.#filled = end;
    return true;
  }

  async putText(text: string): Promise<void> {
    for (let from = 0; from < text.length; from += TEXT) {
      const part = text.slice(from, from + TEXT);
      // A character of a path is one byte, which may be two in UTF-8.
      await this.makeRoom(2 * TEXT);
      this.#put(kinds.text, (piece, at) => at + piece.write(part, at));
    }
  }

  async send(): Promise<void> {
    const piece = this.#piece.subarray(0, this.#filled);
    this.#piece = Buffer.allocUnsafeSlow(PIECE);
    this.#filled = 0;
    if (!this.#response.write(piece) && !this.#response.destroyed)
      await once(this.#response, "drain");
  }
}
