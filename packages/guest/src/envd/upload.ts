import { Busboy, type BusboyInstance } from "@fastify/busboy";
import {
  closeSync,
  constants,
  createWriteStream,
  fchownSync,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  writeSync,
  type Stats,
} from "node:fs";
import type { IncomingMessage } from "node:http";
import { basename, dirname } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { replaceMetadata, requestedMetadata, type Metadata } from "./metadata.ts";
import { makeDirectories } from "./filesystem-service.ts";
import { HttpError, toHttpError } from "./http-error.ts";
import { resolvePath } from "./paths.ts";
import { reaching } from "./rights.ts";
import type { User } from "./users.ts";

/** `WriteInfo` as JSON. */
export interface WrittenFile {
  readonly path: string;
  readonly name: string;
  readonly type: "file";
  readonly metadata?: Metadata;
}

/** Longest name of a multipart part: room for a path. */
const maxFieldNameBytes = 4096;

/**
 * Stores the file or files in a request; `path` is put before the names in the parts. Files are written in place; on
 * failure, those that did not exist before are removed.
 */
export async function upload(
  request: IncomingMessage,
  path: string | undefined,
  user: User,
): Promise<WrittenFile[]> {
  const created: string[] = [];
  try {
    return await receiveAll(request, path, { user, created, metadata: requestedMetadata(request) });
  } catch (error) {
    for (const file of created) reaching(dirname(file), user, () => rmSync(file, { force: true }));
    throw error;
  }
}

interface Target {
  readonly user: User;
  /** Files that did not exist before this request. */
  readonly created: string[];
  readonly metadata: Metadata | undefined;
}

async function receiveAll(
  request: IncomingMessage,
  path: string | undefined,
  target: Target,
): Promise<WrittenFile[]> {
  const type = request.headers["content-type"] ?? "";
  const body = decodedBody(request);
  if (type.startsWith("multipart/form-data")) return receiveParts(body, type, path, target);
  if (!type.startsWith("application/octet-stream")) {
    throw new HttpError(
      400,
      `unsupported content type '${type}': use multipart/form-data or application/octet-stream`,
    );
  }
  if (path === undefined) throw new HttpError(400, "the path query parameter is missing");
  return [await receive(body, resolvePath(path, target.user), target)];
}

function decodedBody(request: IncomingMessage): Readable {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return request;
  if (encoding !== "gzip")
    throw new HttpError(400, `unsupported Content-Encoding '${encoding}': use gzip or identity`);
  const body = createGunzip();
  // The error is reported where the body is read, if it still is.
  body.on("error", () => {});
  request.on("aborted", () => body.destroy(new Error("the request ended early")));
  request.on("error", (error) => body.destroy(error));
  return request.pipe(body);
}

/**
 * Stores each part called `file` under its file name, one after the other. Other values of a form are passed over, but
 * other files are refused: they would be lost.
 */
async function receiveParts(
  body: Readable,
  type: string,
  path: string | undefined,
  target: Target,
): Promise<WrittenFile[]> {
  const parser = createParser(type);
  const written: WrittenFile[] = [];
  const seen = new Set<string>();
  let last: Promise<void> = Promise.resolve();
  let current: Readable | undefined;
  parser.on("file", (field, part, name) => {
    current = part;
    // An error in a part is reported where the part is read.
    part.on("error", () => {});
    last = last.then(async () => {
      if (field !== "file")
        throw new HttpError(
          400,
          `a file is called '${field}': only parts called 'file' are stored`,
        );
      if (path === undefined && name === undefined) {
        throw new HttpError(400, "a part has no file name, and there is no path");
      }
      const file = resolvePath(path ?? name, target.user);
      if (seen.has(file)) {
        throw new HttpError(400, `you cannot upload multiple files to the same path '${file}'`);
      }
      seen.add(file);
      written.push(await receive(part, file, target));
    });
    last.catch((error: Error) => parser.destroy(error));
  });
  try {
    await pipeline(body, parser);
  } catch (error) {
    // The parser gives up without telling the part that it is in.
    current?.destroy(error as Error);
    await last;
    throw new HttpError(400, `error parsing multipart form: ${(error as Error).message}`);
  }
  await last;
  if (written.length === 0)
    throw new HttpError(400, "nothing was stored: the form has no part called 'file'");
  return written;
}

function createParser(type: string): BusboyInstance {
  try {
    return new Busboy({
      headers: { "content-type": type },
      preservePath: true,
      // The one that has no file name is for the request's path.
      isPartAFile: (field, _type, name) => field === "file" || name !== undefined,
      fileHwm: smallBytes,
      limits: { fieldNameSize: maxFieldNameBytes, fieldSize: smallBytes },
    });
  } catch (error) {
    throw new HttpError(400, `error parsing multipart form: ${(error as Error).message}`);
  }
}

/** A file up to this size is written in one call once all of it is there: threads would cost more than the writing. */
const smallBytes = 64 * 1024;

async function receive(source: Readable, path: string, target: Target): Promise<WrittenFile> {
  try {
    const start = await readStart(source);
    const descriptor = reaching(path, target.user, () => openForWriting(path, target));
    await store(start, source, descriptor);
  } catch (error) {
    // A failing stream destroys the other; only the file's own errors come from a system call.
    const isOurs =
      source.errored === null || (error as NodeJS.ErrnoException).syscall !== undefined;
    if (isOurs) throw toHttpError(error, path);
    throw new HttpError(400, `cannot read the request: ${source.errored.message}`);
  }
  const { metadata } = target;
  return { path, name: basename(path), type: "file", ...(metadata && { metadata }) };
}

async function store(start: Start, source: Readable, descriptor: number): Promise<void> {
  if (!start.isAll) {
    const file = createWriteStream("", { fd: descriptor, highWaterMark: 4 * smallBytes });
    file.write(start.bytes);
    return pipeline(source, file);
  }
  try {
    for (let offset = 0; offset < start.bytes.length;)
      offset += writeSync(descriptor, start.bytes, offset);
  } finally {
    closeSync(descriptor);
  }
}

interface Start {
  readonly bytes: Buffer;
  readonly isAll: boolean;
}

/** The beginning of a stream: everything, or at least `smallBytes` of it. */
async function readStart(source: Readable): Promise<Start> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= smallBytes) return { bytes: Buffer.concat(chunks), isAll: false };
  }
  return { bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), isAll: true };
}

const writeFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK;

/** Opens an empty file that belongs to the user, and makes the directories it needs. */
function openForWriting(path: string, { user, created, metadata }: Target): number {
  const { descriptor, isNew } = openOrCreate(path, user);
  if (isNew) created.push(path);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new HttpError(400, `path '${path}' is not a regular file`);
    own(descriptor, stats, user);
    if (!isNew) ftruncateSync(descriptor);
    if (!isNew || metadata !== undefined) replaceMetadata(descriptor, metadata);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Gives a file to the user. One of another's that a link led to, and that the user may only write to, stays theirs. */
function own(descriptor: number, { uid, gid }: Stats, user: User): void {
  if (uid === user.uid && gid === user.gid) return;
  try {
    fchownSync(descriptor, user.uid, user.gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
  }
}

function openOrCreate(path: string, user: User): { descriptor: number; isNew: boolean } {
  for (let attempt = 0; ; attempt++) {
    try {
      return { descriptor: openSync(path, writeFlags | constants.O_EXCL, 0o666), isNew: true };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") return { descriptor: openSync(path, writeFlags, 0o666), isNew: false };
      if (code !== "ENOENT" || attempt > 0) throw error;
      makeDirectories(dirname(path), user);
    }
  }
}
