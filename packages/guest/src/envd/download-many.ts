import { closeSync, fstatSync, readSync } from "node:fs";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseMessage, readBody } from "./connect.ts";
import { demandFile, openToRead } from "./download.ts";
import { HttpError, toHttpError } from "./http-error.ts";
import { resolvePath } from "./paths.ts";
import type { User } from "./users.ts";

/** What an envelope holds; its length follows as 4 bytes, the highest first. */
const kinds = { file: 0, large: 1, error: 2 } as const;
const headerBytes = 5;
/** A longer file is to be asked for by itself. */
const largestBytes = 256 * 1024;
/** What is sent at once. */
const pieceBytes = 512 * 1024;

/**
 * Answers with several files, in the order of `paths` in the request, each in an envelope of its own. One that cannot
 * be read is the last: its envelope says why, as JSON with the code and message that it would have had by itself.
 */
export async function downloadMany(
  user: User,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { paths } = parseMessage((await readBody(request)).toString());
  const open = (given: unknown): number => openToRead(resolvePath(given, user), user);
  await sendMany(paths, open, response);
}

/** The same for paths that `open` opens. */
export async function sendMany(
  paths: unknown,
  open: (path: unknown) => number,
  response: ServerResponse,
): Promise<void> {
  if (!Array.isArray(paths)) throw new HttpError(400, "`paths` is not a list");
  response.writeHead(200, { "content-type": "application/octet-stream" });
  let piece = Buffer.allocUnsafeSlow(pieceBytes);
  let filled = 0;
  for (const path of paths) {
    const begun = filled;
    filled = putEnvelope(path, open, piece, filled);
    if (piece[begun] === kinds.error) break;
    if (filled + headerBytes + largestBytes <= pieceBytes) continue;
    if (!response.write(piece.subarray(0, filled))) await once(response, "drain");
    if (response.destroyed) return;
    piece = Buffer.allocUnsafeSlow(pieceBytes);
    filled = 0;
  }
  response.end(piece.subarray(0, filled));
}

/** Puts a file's envelope at `begin`, and returns where it ends. */
function putEnvelope(
  path: unknown,
  open: (path: unknown) => number,
  piece: Buffer,
  begin: number,
): number {
  const start = begin + headerBytes;
  try {
    const end = readFile(path, open, piece, start);
    return putHeader(piece, begin, end === undefined ? kinds.large : kinds.file, end ?? start);
  } catch (error) {
    const { status, message } = toHttpError(error, String(path));
    const text = JSON.stringify({ code: status, message });
    return putHeader(piece, begin, kinds.error, start + piece.write(text, start));
  }
}

function putHeader(piece: Buffer, begin: number, kind: number, end: number): number {
  piece[begin] = kind;
  piece.writeUInt32BE(end - begin - headerBytes, begin + 1);
  return end;
}

/** Reads a file to where it belongs. Returns its end there, or nothing if it is too long. */
function readFile(
  path: unknown,
  open: (path: unknown) => number,
  piece: Buffer,
  start: number,
): number | undefined {
  const descriptor = open(path);
  try {
    const stats = fstatSync(descriptor);
    demandFile(stats, String(path));
    if (stats.size > largestBytes) return undefined;
    // The kernel's virtual files claim to be empty, so those are read to find out.
    const most = start + (stats.size || largestBytes);
    let end = start;
    while (end < most) {
      const more = readSync(descriptor, piece, end, most - end, null);
      if (more === 0) return end;
      end += more;
    }
    return stats.size === 0 ? undefined : end;
  } finally {
    closeSync(descriptor);
  }
}
