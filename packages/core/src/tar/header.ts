/** Archives are cut into blocks of so many bytes. */
export const BLOCK = 512;
/** What fits into the fields of a header. What does not is in a record before it. */
const NAME_BYTES = 100;
const SIZE_DIGITS = 11;

const MAGIC = ["ustar", "00"].join("\0");
const types = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  directory: "5",
  record: "x",
} as const;

/** What an archive says about an entry before its bytes. */
export interface Header {
  readonly name: Buffer;
  readonly type: keyof typeof types;
  readonly mode: number;
  readonly size: number;
  /** Seconds since 1970, maybe with a fraction. @default 0 */
  readonly mtime?: number | undefined;
  /** What a link says. */
  readonly target?: Buffer | undefined;
}

/** A header, with a record before it of what does not fit into it. */
export function headersOf(header: Header): Buffer {
  const { name, size, target, mtime = 0 } = header;
  const records = [
    ...(name.length > NAME_BYTES ? [recordOf("path", name)] : []),
    ...(target !== undefined && target.length > NAME_BYTES ? [recordOf("linkpath", target)] : []),
    ...(size >= 8 ** SIZE_DIGITS ? [recordOf("size", String(size))] : []),
    ...(fitsOctal(mtime) ? [] : [recordOf("mtime", mtime.toFixed(6))]),
  ];
  if (records.length === 0) return headerOf(header);
  const body = Buffer.concat(records);
  const record: Header = {
    name: Buffer.from("record"),
    type: "record",
    mode: 0o644,
    size: body.length,
  };
  return Buffer.concat([headerOf(record), body, padding(body.length), headerOf(header)]);
}

function headerOf({ name, type, mode, size, mtime = 0, target }: Header): Buffer {
  const header = Buffer.alloc(BLOCK);
  // A field that a record replaces may be cut.
  name.copy(header, 0, 0, NAME_BYTES);
  header.write(octal(mode, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size >= 8 ** SIZE_DIGITS ? 0 : size, SIZE_DIGITS), 124);
  header.write(octal(fitsOctal(mtime) ? mtime : Math.max(0, Math.floor(mtime)), 11), 136);
  header.write(" ".repeat(8), 148);
  header.write(types[type], 156);
  target?.copy(header, 157, 0, NAME_BYTES);
  header.write(MAGIC, 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148);
  return header;
}

/** Begins with its own length. */
function recordOf(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from("\n")]);
  let length = rest.length;
  while (length !== rest.length + String(length).length)
    length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

const fitsOctal = (seconds: number): boolean =>
  Number.isInteger(seconds) && seconds >= 0 && seconds < 8 ** 11;
const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");
export const padding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
/** What an archive ends with. */
export const END: Buffer = Buffer.alloc(2 * BLOCK);
