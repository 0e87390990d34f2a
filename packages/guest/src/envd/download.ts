import { closeSync, constants, openSync, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { HttpError, toHttpError } from "./http-error.ts";
import { checkConditions, chooseEncoding, isRangeCurrent } from "./negotiation.ts";
import { reaching } from "./rights.ts";
import type { User } from "./users.ts";

/** Up to this size a file is sent in one piece; larger ones are read in pieces of it. */
const pieceBytes = 512 * 1024;

/** Answers with a file's bytes, or with the range that the request asks for. */
export async function download(
  path: string,
  user: User,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await openFor(user, path);
    const stats = await file.stat();
    demandFile(stats, path);
    await send(file, path, stats, request, response);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else throw toHttpError(error, path);
  } finally {
    await file?.close().catch(() => {});
  }
}

// So that a FIFO that nobody writes to does not block.
const readFlags = constants.O_RDONLY | constants.O_NONBLOCK;

/** Opens a file to read for a user. */
export const openToRead = (path: string, user: User): number =>
  reaching(path, user, () => openSync(path, readFlags));

export function demandFile(stats: Stats, path: string): void {
  if (stats.isDirectory()) throw new HttpError(400, `path '${path}' is a directory`);
  if (!stats.isFile()) throw new HttpError(400, `path '${path}' is not a regular file`);
}

async function openFor(user: User, path: string): Promise<FileHandle> {
  const descriptor = openToRead(path, user);
  try {
    // Node cannot make a file handle from a descriptor.
    return await open(`/proc/self/fd/${descriptor}`, readFlags);
  } finally {
    closeSync(descriptor);
  }
}

async function send(
  file: FileHandle,
  path: string,
  stats: Stats,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const encoding = chooseEncoding(request.headers["accept-encoding"]);
  response.setHeader("vary", "accept-encoding");
  response.setHeader("last-modified", stats.mtime.toUTCString());
  response.setHeader("accept-ranges", "bytes");
  const outcome = checkConditions(request.headers, stats.mtime);
  if (outcome === "failed") throw new HttpError(412, "the file is not as the request demands");
  if (outcome === "not-modified") return void response.writeHead(304).end();
  response.setHeader("content-type", "application/octet-stream");
  response.setHeader("content-disposition", `inline; filename*=UTF-8''${quoteName(path)}`);
  // The kernel's virtual files claim to be empty, so those are read to find out.
  const wanted = isRangeCurrent(request.headers["if-range"] as string | undefined, stats.mtime)
    ? request.headers.range
    : undefined;
  const range = stats.size === 0 ? undefined : parseRange(wanted, stats.size);
  if (range === "unsatisfiable") {
    response.setHeader("content-range", `bytes */${stats.size}`);
    throw new HttpError(416, "the range lies outside the file");
  }
  if (encoding === "gzip" && range === undefined && stats.size > 0) {
    response.setHeader("content-encoding", "gzip");
    // A file that grows while it is read ends where it ended at first.
    const whole = file.createReadStream({ end: stats.size - 1, highWaterMark: pieceBytes });
    return pipeline(whole, createGzip({ level: 1 }), response);
  }
  const start = range?.start ?? 0;
  const end = range?.end ?? stats.size - 1;
  if (range !== undefined) {
    response.statusCode = 206;
    response.setHeader("content-range", `bytes ${start}-${end}/${stats.size}`);
  }
  const length = end - start + 1;
  if (length <= pieceBytes) {
    const first = await readPiece(file, start, length || pieceBytes);
    if (length > 0 || first.length < pieceBytes)
      return void response.setHeader("content-length", first.length).end(first);
    response.write(first);
    return pipeline(
      file.createReadStream({ start: first.length, highWaterMark: pieceBytes }),
      response,
    );
  }
  response.setHeader("content-length", length);
  return pipeline(
    file.createReadStream({ start, end, highWaterMark: pieceBytes, autoClose: false }),
    response,
  );
}

function quoteName(path: string): string {
  return encodeURIComponent(basename(path)).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  );
}

async function readPiece(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const piece = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(piece, filled, length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return piece.subarray(0, filled);
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The one range that a `Range` header asks for; several, or one that is not understood, mean the whole file. */
export function parseRange(
  header: string | undefined,
  size: number,
): Range | "unsatisfiable" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
  if (match === null || match[0] === "bytes=-") return undefined;
  const [, first, last] = match;
  if (first === "") {
    const count = Math.min(Number(last), size);
    return count === 0 ? "unsatisfiable" : { start: size - count, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= size ? "unsatisfiable" : { start, end };
}
