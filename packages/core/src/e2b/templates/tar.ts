import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { CopyEntry } from "../../template-request.ts";

const BLOCK = 512;
/** What fits into the fields of a header. What does not is in a record before it. */
const NAME_BYTES = 100;
const SIZE_DIGITS = 11;

const MAGIC = ["ustar", "00"].join("\0");
const types = { file: "0", symlink: "2", directory: "5", record: "x" } as const;

interface Header {
  readonly name: string;
  readonly type: keyof typeof types;
  readonly mode: number;
  readonly size: number;
  readonly target?: string | undefined;
}

/** A tar archive of what a step copies, each under the name that `nameOf` gives it; files are read when it is their turn. */
export async function* tarOf(
  entries: readonly CopyEntry[],
  nameOf: (entry: CopyEntry) => string,
): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    const { type, mode, target, source } = entry;
    const size = type === "file" ? (await stat(source!)).size : 0;
    yield headersOf({ name: nameOf(entry), type, mode, size, target });
    if (type !== "file") continue;
    let read = 0;
    for await (const chunk of createReadStream(source!) as AsyncIterable<Buffer>) {
      read += chunk.length;
      yield chunk;
    }
    if (read !== size) throw new Error(`${source} changed while it was read`);
    yield padding(size);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function headersOf(header: Header): Buffer {
  const { name, size, target = "" } = header;
  const records = [
    ...(Buffer.byteLength(name) > NAME_BYTES ? [["path", name]] : []),
    ...(Buffer.byteLength(target) > NAME_BYTES ? [["linkpath", target]] : []),
    ...(size >= 8 ** SIZE_DIGITS ? [["size", String(size)]] : []),
  ].map(([key, value]) => recordOf(key!, value!));
  if (records.length === 0) return headerOf(header);
  const body = Buffer.concat(records);
  const record: Header = { name: "record", type: "record", mode: 0o644, size: body.length };
  return Buffer.concat([headerOf(record), body, padding(body.length), headerOf(header)]);
}

function headerOf({ name, type, mode, size, target = "" }: Header): Buffer {
  const header = Buffer.alloc(BLOCK);
  // A field that a record replaces may be cut.
  header.write(name.slice(0, NAME_BYTES), 0, NAME_BYTES);
  header.write(octal(mode, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size >= 8 ** SIZE_DIGITS ? 0 : size, SIZE_DIGITS), 124);
  header.write(octal(0, 11), 136);
  header.write(" ".repeat(8), 148);
  header.write(types[type], 156);
  header.write(target.slice(0, NAME_BYTES), 157, NAME_BYTES);
  header.write(MAGIC, 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148);
  return header;
}

/** Begins with its own length. */
function recordOf(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes;
  while (length !== bytes + String(length).length) length = bytes + String(length).length;
  return Buffer.from(length + rest);
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");
const padding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
