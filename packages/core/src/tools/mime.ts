import { isUtf8 } from "node:buffer";

const startsWith = (bytes: Uint8Array, at: number, magic: string): boolean =>
  Buffer.from(
    bytes.buffer,
    bytes.byteOffset + at,
    Math.max(0, Math.min(magic.length, bytes.length - at)),
  ).toString("latin1") === magic;

/** Recognizes the picture formats that models can read, by their first bytes; `undefined` for anything else. */
export function pictureType(bytes: Uint8Array): string | undefined {
  if (startsWith(bytes, 0, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (startsWith(bytes, 0, "\xff\xd8\xff")) return "image/jpeg";
  if (startsWith(bytes, 0, "GIF87a") || startsWith(bytes, 0, "GIF89a")) return "image/gif";
  if (startsWith(bytes, 0, "RIFF") && startsWith(bytes, 8, "WEBP")) return "image/webp";
  return undefined;
}

const signatures: readonly (readonly [magic: string, type: string])[] = [
  ["%PDF-", "application/pdf"],
  ["PK\x03\x04", "application/zip"],
  ["\x1f\x8b", "application/gzip"],
  ["BZh", "application/x-bzip2"],
  ["\xfd7zXZ", "application/x-xz"],
  ["\x28\xb5\x2f\xfd", "application/zstd"],
  ["\x7fELF", "application/x-executable"],
  ["SQLite format 3\0", "application/vnd.sqlite3"],
  ["PAR1", "application/vnd.apache.parquet"],
  ["\x89HDF", "application/x-hdf5"],
  ["\x93NUMPY", "application/x-numpy"],
];

const endings: Readonly<Record<string, string>> = {
  csv: "text/csv",
  css: "text/css",
  htm: "text/html",
  html: "text/html",
  js: "text/javascript",
  json: "application/json",
  md: "text/markdown",
  py: "text/x-python",
  svg: "image/svg+xml",
  ts: "text/x-typescript",
  xml: "application/xml",
};

/** A file's MIME type: from its first bytes, or from its name when it is text. */
export function mimeType(path: string, beginning: Uint8Array): string {
  const picture = pictureType(beginning);
  if (picture !== undefined) return picture;
  const known = signatures.find(([magic]) => startsWith(beginning, 0, magic));
  if (known !== undefined) return known[1];
  if (!isText(beginning)) return "application/octet-stream";
  const ending = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  return endings[ending] ?? "text/plain";
}

/** Characters that are not in texts of any encoding that leaves ASCII as it is. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\x01-\x06\x0e-\x1a\x1c-\x1f\x7f]/;

/** Whether bytes, the first of a file or all, are text: UTF-8, or another encoding that leaves ASCII as it is. */
export function isText(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return false;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return isUtf8(withoutCutCharacter(buffer)) || !CONTROL.test(buffer.toString("latin1"));
}

/** Without a character that is cut off at the end. */
function withoutCutCharacter(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(4, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

/** A number of bytes in words. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  const unit = bytes < 1024 ** 2 ? "KB" : bytes < 1024 ** 3 ? "MB" : "GB";
  const size = bytes / 1024 ** { KB: 1, MB: 2, GB: 3 }[unit];
  return `${size >= 100 ? Math.round(size) : Math.round(size * 10) / 10} ${unit}`;
}

/** A number of milliseconds in words. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 100) / 10;
  return seconds === 1 ? "1 second" : `${seconds} seconds`;
}
