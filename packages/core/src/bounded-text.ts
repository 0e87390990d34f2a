/** Bytes kept of the beginning, and as many again of the end. */
const KEEP_BYTES: number = 5 * 1024 * 1024;
/** Pieces stored separately; later ones are joined, so that many tiny pieces cost no more than a few large ones. */
const SEPARATE_PIECES = 1000;
const JOINED_LENGTH = 64 * 1024;
const MAX_CHARACTER_BYTES = 4;

/**
 * Text that arrives in pieces, of which the first and the last 5 MiB are kept. A marker replaces what was dropped, and
 * gives the full size in bytes.
 */
export class BoundedText {
  readonly #head = new Pieces();
  readonly #tail = new Pieces();
  readonly #keepBytes: number;
  #headFull = false;
  #totalBytes = 0;

  constructor(keepBytes: number = KEEP_BYTES) {
    this.#keepBytes = keepBytes;
  }

  /** UTF-8 bytes received in total. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Whether anything was dropped. */
  get truncated(): boolean {
    return this.#totalBytes > 2 * this.#keepBytes;
  }

  /** Appends a piece. */
  push(piece: string): void {
    if (piece === "") return;
    const bytes = Buffer.byteLength(piece);
    this.#totalBytes += bytes;
    if (!this.#headFull && this.#head.bytes + bytes <= this.#keepBytes) {
      this.#head.push(piece, bytes);
      return;
    }
    const [first, rest] = this.#headFull
      ? ["", piece]
      : splitAtByte(piece, this.#keepBytes - this.#head.bytes);
    this.#headFull = true;
    this.#head.push(first);
    this.#tail.push(rest);
    this.#tail.dropUntil(this.#keepBytes + MAX_CHARACTER_BYTES);
  }

  /** What was kept, in pieces, with the marker where something was dropped. */
  pieces(): string[] {
    const head = this.#head.toArray();
    const tail = this.#tail.toArray();
    if (!this.truncated) return [...head, ...tail];
    const excess = this.#tail.bytes - this.#keepBytes;
    if (excess > 0 && tail.length > 0) tail[0] = dropBytes(tail[0]!, excess);
    const kept = this.#head.bytes + tail.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
    return [...head, this.#marker(this.#totalBytes - kept), ...tail];
  }

  /** What was kept, as one text. */
  toString(): string {
    return this.pieces().join("");
  }

  #marker(leftOut: number): string {
    return `\n[… ${leftOut} bytes left out; the output was ${this.#totalBytes} bytes in all …]\n`;
  }
}

/** A list of strings that joins short ones when there are many. */
class Pieces {
  #list: { text: string; bytes: number }[] = [];
  #first = 0;
  #joining: string[] = [];
  #joiningBytes = 0;
  bytes = 0;

  push(piece: string, bytes: number = Buffer.byteLength(piece)): void {
    if (bytes === 0) return;
    this.bytes += bytes;
    if (this.#joiningBytes === 0 && this.#list.length - this.#first < SEPARATE_PIECES) {
      this.#list.push({ text: piece, bytes });
      return;
    }
    this.#joining.push(piece);
    this.#joiningBytes += bytes;
    if (this.#joiningBytes >= JOINED_LENGTH) this.#join();
  }

  /** Drops whole pieces from the front, keeping at least `bytes` bytes. */
  dropUntil(bytes: number): void {
    if (this.bytes <= bytes) return;
    while (
      this.#first < this.#list.length &&
      this.bytes - this.#list[this.#first]!.bytes >= bytes
    ) {
      this.bytes -= this.#list[this.#first]!.bytes;
      this.#first += 1;
    }
    if (this.#first > 1024 || this.#first === this.#list.length) {
      this.#list = this.#list.slice(this.#first);
      this.#first = 0;
    }
  }

  toArray(): string[] {
    this.#join();
    return this.#list.slice(this.#first).map(({ text }) => text);
  }

  #join(): void {
    if (this.#joiningBytes === 0) return;
    this.#list.push({ text: this.#joining.join(""), bytes: this.#joiningBytes });
    this.#joining = [];
    this.#joiningBytes = 0;
  }
}

function splitAtByte(text: string, bytes: number): [string, string] {
  const encoded = Buffer.from(text);
  const end = characterStart(encoded, bytes);
  return [encoded.subarray(0, end).toString(), encoded.subarray(end).toString()];
}

function dropBytes(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  return encoded.subarray(characterStart(encoded, bytes)).toString();
}

/** The start of the character that contains `index`. */
function characterStart(encoded: Buffer, index: number): number {
  let start = index;
  while (start > 0 && start < encoded.length && (encoded[start]! & 0xc0) === 0x80) start -= 1;
  return start;
}
