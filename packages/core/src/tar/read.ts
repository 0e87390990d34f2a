import { EmberboxError } from "../errors.ts";
import { BLOCK } from "./header.ts";

/** The most that the records before one entry may hold, in bytes, and how many there may be. */
const RECORD_BYTES = 64 * 1024;
const RECORDS = 8;
/** The most that may follow the end of an archive, in bytes. */
const TRAILING_BYTES = 1024 * 1024;

const types = {
  "\0": "file",
  "0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "device",
  "4": "device",
  "5": "directory",
  "6": "fifo",
} as const;

/** What is in an archive. Each character of a path or target is one byte of the name (latin1). Nothing is checked. */
export interface TarEntry {
  readonly path: string;
  readonly type: (typeof types)[keyof typeof types];
  readonly mode: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** What a link says; the path of the entry that a hard link is. */
  readonly target: string;
  /** The bytes of a file, to be read before the next entry. What is not read is skipped. */
  readonly content: AsyncIterable<Buffer>;
}

/**
 * Reads an archive in the formats of POSIX and GNU, as it comes, and to its end.
 * @throws `protocol_error` when it is none, or ends early
 */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<TarEntry, void, undefined> {
  const source = new Source(chunks);
  for (;;) {
    const found = await readHeaders(source);
    if (found === undefined) break;
    let left = found.size;
    const content = (async function* () {
      while (left > 0) {
        const piece = await source.upTo(left);
        left -= piece.length;
        yield piece;
      }
    })();
    yield { ...found, content };
    while (left > 0) left -= (await source.upTo(left)).length;
    await source.exactly((BLOCK - (found.size % BLOCK)) % BLOCK);
  }
  await source.finish();
}

/** The next entry's header, with what the records before it say; nothing at the end. */
async function readHeaders(source: Source): Promise<Omit<TarEntry, "content"> | undefined> {
  const said: { path?: string; target?: string; size?: number; mtime?: number } = {};
  for (let records = 0; records <= RECORDS; records += 1) {
    const header = await source.exactly(BLOCK);
    if (header.every((byte) => byte === 0)) return undefined;
    checkSum(header);
    const type = String.fromCharCode(header[156]!);
    const size = number(header, 124, 12);
    if (type === "x" || type === "g" || type === "L" || type === "K") {
      if (size > RECORD_BYTES) throw wrong("a record is too long");
      const body = await source.exactly(size);
      await source.exactly((BLOCK - (size % BLOCK)) % BLOCK);
      if (type === "x") Object.assign(said, parseRecords(body));
      if (type === "L") said.path = text(body, 0, size);
      if (type === "K") said.target = text(body, 0, size);
      continue;
    }
    const known = types[type as keyof typeof types];
    if (known === undefined) throw wrong(`an entry is of the unknown type ${JSON.stringify(type)}`);
    const prefix = header.toString("latin1", 257, 263) === "ustar\0" ? text(header, 345, 155) : "";
    const name = text(header, 0, 100);
    return {
      path: said.path ?? (prefix === "" ? name : `${prefix}/${name}`),
      type: known,
      mode: number(header, 100, 8) & 0o7777,
      size: known === "file" ? (said.size ?? size) : 0,
      mtime: said.mtime ?? number(header, 136, 12),
      target: said.target ?? text(header, 157, 100),
    };
  }
  throw wrong("an entry has too many records");
}

function checkSum(header: Buffer): void {
  let sum = 8 * 32;
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte;
  if (number(header, 148, 8) !== sum) throw wrong("the sum of a header is wrong");
}

function parseRecords(body: Buffer): object {
  const said: { path?: string; target?: string; size?: number; mtime?: number } = {};
  for (let at = 0; at < body.length;) {
    const [, digits] = /^(\d{1,6}) /.exec(body.toString("latin1", at, at + 8)) ?? [];
    const end = at + Number(digits);
    const record = body.toString("latin1", at + (digits?.length ?? 0) + 1, end - 1);
    const equals = record.indexOf("=");
    if (digits === undefined || end > body.length || body[end - 1] !== 0x0a || equals < 1)
      throw wrong("a record is wrong");
    const key = record.slice(0, equals);
    const value = record.slice(equals + 1);
    if (key === "path") said.path = value;
    if (key === "linkpath") said.target = value;
    if (key === "size") said.size = decimal(value, /^\d{1,15}$/);
    if (key === "mtime") said.mtime = decimal(value, /^-?\d{1,12}(?:\.\d{1,20})?$/);
    if (key.startsWith("GNU.sparse.")) throw wrong("an entry is sparse");
    at = end;
  }
  return said;
}

function decimal(value: string, form: RegExp): number {
  if (!form.test(value)) throw wrong("a number is wrong");
  return Number(value);
}

/** Octal digits, or, after a byte of 0x80, a binary number. */
function number(header: Buffer, at: number, length: number): number {
  if (header[at] === 0x80) {
    const value = header.subarray(at + 1, at + length).reduce((sum, byte) => sum * 256 + byte, 0);
    if (value > Number.MAX_SAFE_INTEGER) throw wrong("a number is too large");
    return value;
  }
  const digits = text(header, at, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw wrong("a number is wrong");
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

function text(bytes: Buffer, at: number, length: number): string {
  const end = bytes.subarray(at, at + length).indexOf(0);
  return bytes.toString("latin1", at, at + (end === -1 ? length : end));
}

/** Bytes in the portions that are asked for. */
class Source {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** At least one byte. */
  async upTo(bytes: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) throw wrong("it ends early");
      this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const piece = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return piece;
  }

  async exactly(bytes: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let left = bytes; left > 0; left -= pieces.at(-1)!.length)
      pieces.push(await this.upTo(left));
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  /** Reads what follows the end: a second block of zeros, and what fills up the last write. */
  async finish(): Promise<void> {
    let bytes = this.#rest.length;
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) return;
      bytes += next.value.length;
      if (bytes > TRAILING_BYTES) throw wrong("there is more after its end");
    }
  }
}

const wrong = (what: string): EmberboxError =>
  new EmberboxError("protocol_error", `The sandbox sent an archive that cannot be read: ${what}`);
