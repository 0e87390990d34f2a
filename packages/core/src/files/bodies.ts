import { randomUUID } from "node:crypto";

export interface Part {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Characters whose escapes servers read differently. */
const AWKWARD = /["\\\r\n]/;

export function fitsMultipart(path: string): boolean {
  return !AWKWARD.test(path);
}

/** A `multipart/form-data` body of whole files, named by their paths. */
export function encodeMultipart(parts: readonly Part[]): { contentType: string; body: Buffer } {
  const boundary = `emberbox-${randomUUID()}`;
  const chunks: Uint8Array[] = [];
  for (const { path, bytes } of parts) {
    const disposition = `Content-Disposition: form-data; name="file"; filename="${path}"`;
    const header = `--${boundary}\r\n${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`;
    chunks.push(Buffer.from(header), bytes, Buffer.from("\r\n"));
  }
  chunks.push(Buffer.from(`--${boundary}--\r\n`));
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: Buffer.concat(chunks) };
}

/** What `POST /emberbox/files/write` takes: of each file the lengths of its path and content, then both. */
export function encodeFiles(parts: readonly Part[]): Buffer {
  const chunks: Uint8Array[] = [];
  for (const { path, bytes } of parts) {
    const name = Buffer.from(path);
    const header = Buffer.allocUnsafe(6);
    header.writeUInt16BE(name.length);
    header.writeUInt32BE(bytes.length, 2);
    chunks.push(header, name, bytes);
  }
  return Buffer.concat(chunks);
}
