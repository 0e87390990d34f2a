import {
  closeSync,
  constants,
  createWriteStream,
  fchownSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  rmSync,
  writeSync,
  type Stats,
} from "node:fs";
import type { IncomingMessage } from "node:http";
import { basename, dirname } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { replaceMetadata, requestedMetadata, type Metadata } from "./metadata.ts";
import { makeDirectories } from "./filesystem-service.ts";
import { HttpError, toHttpError } from "./http-error.ts";
import { reaching } from "./rights.ts";
import type { User } from "./users.ts";

/** `WriteInfo` as JSON. */
export interface WrittenFile {
  readonly path: string;
  readonly name: string;
  readonly type: "file";
  readonly metadata?: Metadata;
}

/** For whom files are stored, and what a request has made so far. */
export interface Target {
  readonly user: User;
  /** Files that did not exist before this request. */
  readonly created: string[];
  /** Where the request has put files. */
  readonly claimed: Set<string>;
  readonly metadata: Metadata | undefined;
}

/** Stores what a request brings; if that fails, the files that did not exist before it are removed. */
export async function storing<T>(
  request: IncomingMessage,
  user: User,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  const created: string[] = [];
  try {
    const metadata = requestedMetadata(request);
    return await work({ user, created, claimed: new Set(), metadata });
  } catch (error) {
    for (const file of created) reaching(dirname(file), user, () => rmSync(file, { force: true }));
    throw error;
  }
}

/** Each of a request's files has a path of its own. @throws 400 */
export function claim(path: string, { claimed }: Target): void {
  if (claimed.has(path))
    throw new HttpError(400, `you cannot upload multiple files to the same path '${path}'`);
  claimed.add(path);
}

/** A file up to this size is written in one call once all of it is there: threads would cost more than the writing. */
export const smallBytes: number = 64 * 1024;

/** Stores a file that is there whole. */
export function storeWhole(bytes: Buffer, path: string, target: Target): WrittenFile {
  try {
    writeWhole(
      bytes,
      reaching(path, target.user, () => openForWriting(path, target)),
    );
    return written(path, target);
  } catch (error) {
    throw toHttpError(error, path);
  }
}

/** Stores a file as it arrives. */
export async function receive(
  source: Readable,
  path: string,
  target: Target,
): Promise<WrittenFile> {
  try {
    const start = await readStart(source);
    const file = reaching(path, target.user, () => openForWriting(path, target));
    await store(start, source, file);
  } catch (error) {
    // A failing stream destroys the other; only the file's own errors come from a system call.
    const isOurs =
      source.errored === null || (error as NodeJS.ErrnoException).syscall !== undefined;
    if (isOurs) throw toHttpError(error, path);
    throw new HttpError(400, `cannot read the request: ${source.errored.message}`);
  }
  return written(path, target);
}

function written(path: string, { metadata }: Target): WrittenFile {
  return { path, name: basename(path), type: "file", ...(metadata && { metadata }) };
}

async function store(start: Start, source: Readable, opened: Opened): Promise<void> {
  if (start.isAll) return writeWhole(start.bytes, opened);
  const { descriptor: fd, size } = opened;
  if (size > 0) ftruncateSync(fd);
  const file = createWriteStream("", { fd, highWaterMark: 4 * smallBytes });
  file.write(start.bytes);
  return pipeline(source, file);
}

/** Writes over what is there: to make a file empty first takes the file system several times as long. */
function writeWhole(bytes: Buffer, { descriptor, size }: Opened): void {
  try {
    for (let offset = 0; offset < bytes.length;)
      offset += writeSync(descriptor, bytes, offset, bytes.length - offset, offset);
    if (size > bytes.length) ftruncateSync(descriptor, bytes.length);
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

interface Opened {
  readonly descriptor: number;
  /** How many bytes the file has, which are to go. */
  readonly size: number;
}

/** Opens a file that belongs to the user, and makes the directories it needs. */
function openForWriting(path: string, { user, created, metadata }: Target): Opened {
  const { descriptor, isNew } = openOrCreate(path, user);
  if (isNew) created.push(path);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new HttpError(400, `path '${path}' is not a regular file`);
    own(descriptor, stats, user);
    if (!isNew || metadata !== undefined) replaceMetadata(descriptor, metadata);
    return { descriptor, size: stats.size };
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
    // A failing call costs more than asking first: Node makes an error of it.
    const isNew = lstatSync(path, { throwIfNoEntry: false }) === undefined;
    try {
      const flags = isNew ? writeFlags | constants.O_EXCL : writeFlags;
      return { descriptor: openSync(path, flags, 0o666), isNew };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (attempt > 0 || !(code === "ENOENT" || (code === "EEXIST" && isNew))) throw error;
      if (code === "ENOENT") makeDirectories(dirname(path), user);
    }
  }
}
