import { GrowingBytes } from "./growing-bytes.ts";

/** What the first bytes of a connection say. */
export type Opening =
  | { readonly kind: "tls"; readonly serverName: string | undefined }
  | { readonly kind: "other" }
  /** More bytes are needed to tell. */
  | { readonly kind: "incomplete" };

const RECORD_HEADER = 5;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const MAX_RECORD = 16_640;
const MAX_HELLO = 65_536;

const incomplete: Opening = { kind: "incomplete" };
const other: Opening = { kind: "other" };

/** Reads the name that a TLS client asks for. A hello may come in several records, and in any pieces. */
export class OpeningReader {
  readonly #header = Buffer.alloc(RECORD_HEADER);
  #headerBytes = 0;
  /** Bytes of the record that are still to come. */
  #missing = 0;
  readonly #hello = new GrowingBytes();
  #opening: Opening = incomplete;

  /** What is known after these bytes; each is looked at once. */
  push(chunk: Buffer): Opening {
    for (let at = 0; at < chunk.length && this.#opening === incomplete;) {
      if (this.#missing === 0) this.#takeHeader(chunk[at++]!);
      else {
        const part = chunk.subarray(at, at + this.#missing);
        at += part.length;
        this.#missing -= part.length;
        this.#takeHello(part);
      }
    }
    return this.#opening;
  }

  #takeHeader(byte: number): void {
    const at = this.#headerBytes++;
    this.#header[at] = byte;
    if ((at === 0 && byte !== HANDSHAKE) || (at === 1 && byte !== 3)) this.#opening = other;
    if (this.#headerBytes < RECORD_HEADER) return;
    this.#headerBytes = 0;
    this.#missing = this.#header.readUInt16BE(3);
    if (this.#missing === 0 || this.#missing > MAX_RECORD) this.#opening = other;
  }

  #takeHello(part: Buffer): void {
    this.#hello.push(part);
    const { bytes } = this.#hello;
    if (bytes[0] !== CLIENT_HELLO) this.#opening = other;
    else if (bytes.length >= 4) {
      const needed = 4 + bytes.readUIntBE(1, 3);
      if (needed > MAX_HELLO) this.#opening = other;
      else if (bytes.length >= needed) this.#opening = readHello(bytes.subarray(4, needed));
    }
  }
}

export function readOpening(bytes: Buffer): Opening {
  return new OpeningReader().push(bytes);
}

function readHello(hello: Buffer): Opening {
  try {
    let at = 34;
    at += 1 + hello.readUInt8(at);
    at += 2 + hello.readUInt16BE(at);
    at += 1 + hello.readUInt8(at);
    if (at === hello.length) return { kind: "tls", serverName: undefined };
    const end = at + 2 + hello.readUInt16BE(at);
    at += 2;
    let serverName: string | undefined;
    while (at < end) {
      const type = hello.readUInt16BE(at);
      const size = hello.readUInt16BE(at + 2);
      if (at + 4 + size > end || end > hello.length) return other;
      if (type === SERVER_NAME) {
        // Different servers would read two names differently.
        if (serverName !== undefined) return other;
        serverName = readServerName(hello.subarray(at + 4, at + 4 + size));
        if (serverName === undefined) return other;
      }
      at += 4 + size;
    }
    return { kind: "tls", serverName };
  } catch {
    return other; // A length that points past the message.
  }
}

function readServerName(list: Buffer): string | undefined {
  const size = list.readUInt16BE(3);
  const isOne = list.readUInt16BE(0) === list.length - 2 && size === list.length - 5;
  if (!isOne || list[2] !== HOST_NAME) return undefined;
  return list.toString("latin1", 5).toLowerCase();
}
