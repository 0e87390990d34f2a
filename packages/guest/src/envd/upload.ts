import { Busboy } from "@fastify/busboy";
import {
  closeSync,
  constants,
  createWriteStream,
  fchownSync,
  fstatSync,
  ftruncateSync,
  openSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import type { IncomingMessage } from "node:http";
import { basename, dirname } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { makeDirectories } from "./filesystem-service.ts";
import { HttpError, toHttpError } from "./http-error.ts";
import { resolvePath } from "./paths.ts";
import type { User } from "./users.ts";

/** `WriteInfo` as JSON. */
export interface WrittenFile {
  readonly path: string;
  readonly name: string;
  readonly type: "file";
}

/** What one multipart part may be called: room for a path. */
const maxFieldNameBytes = 4096;

/** Stores the file or files in a request; `path` goes before the names in the parts. */
export async function upload(
  request: IncomingMessage,
  path: string | undefined,
  user: User,
): Promise<WrittenFile[]> {
  const type = request.headers["content-type"] ?? "";
  const body = decodedBody(request);
  if (type.startsWith("multipart/form-data")) return receiveParts(body, type, path, user);
  if (!type.startsWith("application/octet-stream")) {
    throw new HttpError(
      400,
      `unsupported content type '${type}': use multipart/form-data or application/octet-stream`,
    );
  }
  if (path === undefined) throw new HttpError(400, "the path query parameter is missing");
  return [await receive(body, resolvePath(path, user), user)];
}

function decodedBody(request: IncomingMessage): Readable {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return request;
  if (encoding !== "gzip")
    throw new HttpError(400, `unsupported Content-Encoding '${encoding}': use gzip or identity`);
  const body = createGunzip();
  request.on("aborted", () => body.destroy(new Error("the request ended early")));
  request.on("error", (error) => body.destroy(error));
  return request.pipe(body);
}

/** Stores each part called `file` under its file name, one after the other. */
async function receiveParts(
  body: Readable,
  type: string,
  path: string | undefined,
  user: User,
): Promise<WrittenFile[]> {
  const parser = createParser(type);
  const written: WrittenFile[] = [];
  const seen = new Set<string>();
  let last: Promise<void> = Promise.resolve();
  parser.on("file", (field, part, name) => {
    last = last.then(async () => {
      if (field !== "file") return void part.resume();
      if (path === undefined && name === undefined)
        throw new HttpError(400, "a part has no file name, and there is no path");
      const target = resolvePath(path ?? name, user);
      if (seen.has(target))
        throw new HttpError(400, `you cannot upload multiple files to the same path '${target}'`);
      seen.add(target);
      written.push(await receive(part, target, user));
    });
    last.catch((error: Error) => {
      part.destroy(error);
      parser.destroy(error);
    });
    // The parser gives up without telling the part it is in.
    parser.once("close", () => part.destroy());
    part.on("error", () => {});
  });
  const parsed = pipeline(body, parser);
  try {
    await parsed;
  } catch (error) {
    await last;
    throw new HttpError(400, `error parsing multipart form: ${(error as Error).message}`);
  }
  await last;
  return written;
}

function createParser(type: string): Busboy {
  try {
    return new Busboy({
      headers: { "content-type": type },
      preservePath: true,
      fileHwm: smallBytes,
      limits: { fieldNameSize: maxFieldNameBytes, fieldSize: smallBytes },
    });
  } catch (error) {
    throw new HttpError(400, `error parsing multipart form: ${(error as Error).message}`);
  }
}

/** A file up to this size is written in one go when it is all there: threads would cost more than the writing. */
const smallBytes = 64 * 1024;

/** Writes a stream to a file, in place; if that fails, a file that was not there before is not there after. */
async function receive(source: Readable, path: string, user: User): Promise<WrittenFile> {
  const start = await readStart(source);
  const { descriptor, isNew } = openForWriting(path, user);
  try {
    for (let offset = 0; offset < start.bytes.length;)
      offset += writeSync(descriptor, start.bytes, offset);
    if (!start.isAll) {
      const file = createWriteStream("", {
        fd: descriptor,
        autoClose: false,
        highWaterMark: 4 * smallBytes,
      });
      await pipeline(source, file);
    }
  } catch (error) {
    if (isNew) unlinkSync(path);
    throw toHttpError(error, path);
  } finally {
    closeSync(descriptor);
  }
  return { path, name: basename(path), type: "file" };
}

/** The first bytes of a stream: everything, or at least `smallBytes` of it. */
async function readStart(source: Readable): Promise<{ bytes: Buffer; isAll: boolean }> {
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

/** Opens an empty file that belongs to `user`, and makes the directories it needs. */
function openForWriting(path: string, user: User): { descriptor: number; isNew: boolean } {
  try {
    const { descriptor, isNew } = openOrCreate(path, user);
    try {
      if (!fstatSync(descriptor).isFile())
        throw new HttpError(400, `path '${path}' is not a regular file`);
      if (!isNew) ftruncateSync(descriptor);
      fchownSync(descriptor, user.uid, user.gid);
      return { descriptor, isNew };
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  } catch (error) {
    throw toHttpError(error, path);
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
