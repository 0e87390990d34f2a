import type { Dispatcher } from "undici";
import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import { type FieldsOf, parseOptions, requestFields, user } from "../options.ts";
import { ENVD_PORT } from "../envd.ts";
import type { SandboxConnection } from "../provider.ts";
import { Call, type HttpRequest } from "../wire/call.ts";
import { readDocument } from "../wire/document.ts";
import { httpError } from "../wire/http-error.ts";
import { userHeaders } from "../wire/rpc.ts";
import type { WriteInfo } from "./entry.ts";
import { uploadBytes, uploadStream } from "./upload-body.ts";
import { encodeFiles, encodeMultipart, fitsMultipart, type Part } from "./bodies.ts";
import { checkPath } from "./path.ts";
import type { FileOptions } from "./read.ts";
import { sendTogether } from "./together.ts";

/** The largest file that shares a request with others, in bytes. */
const SMALL_FILE_BYTES = 1024 * 1024;
/** The most that the files in one request hold together, in bytes. */
const BATCH_BYTES = 32 * 1024 * 1024;

/** What a file can be written from; strings become UTF-8. */
export type FileData = string | ArrayBuffer | Uint8Array | Blob | ReadableStream<Uint8Array>;

/** One file to write. */
export interface WriteEntry {
  readonly path: string;
  readonly data: FileData;
}

/** How to write a file. */
export interface WriteOptions extends FileOptions {
  /** Stored with each file as extended attributes, replacing those that were there; names become lower case. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

interface Payload {
  readonly path: string;
  /** The whole file, when it is in memory. */
  readonly bytes: Uint8Array | undefined;
  /** The file as a stream, when it is not in memory. */
  readonly stream: ReadableStream<Uint8Array> | undefined;
  readonly size: number | undefined;
}

const metadata = z
  .record(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/), z.string().regex(/^[\x20-\x7e]*$/))
  .optional()
  .describe("an object of printable US-ASCII strings, whose names are those of HTTP headers");
const schema = z.strictObject({
  ...requestFields,
  user,
  metadata,
} satisfies FieldsOf<WriteOptions>);
const entryTypes = ["file", "dir", "symlink"] as const;
const answerSchema = z.array(
  z.object({
    name: z.string(),
    path: z.string(),
    type: z.enum(entryTypes).optional().catch(undefined),
  }),
);

/** Writes files in the order given; small ones share requests. */
export async function writeFiles(
  connection: SandboxConnection,
  entries: readonly WriteEntry[],
  options: WriteOptions | undefined,
): Promise<WriteInfo[]> {
  const checked = parseOptions(schema, options);
  const payloads = entries.map(payloadOf);
  const written: WriteInfo[] = [];
  for (const batch of batches(payloads, () => true)) {
    const files = batch.length > 1 ? await writeTogether(connection, batch, checked) : undefined;
    if (files !== undefined) written.push(...files);
    else
      for (const part of batches(batch, ({ path }) => fitsMultipart(path)))
        written.push(...(await upload(connection, part, checked)));
  }
  return written;
}

function payloadOf({ path, data }: WriteEntry): Payload {
  checkPath(path);
  if (typeof data === "string") return inMemory(path, Buffer.from(data));
  if (data instanceof Uint8Array) return inMemory(path, data);
  if (data instanceof ArrayBuffer) return inMemory(path, new Uint8Array(data));
  if (data instanceof Blob)
    return { path, bytes: undefined, stream: data.stream(), size: data.size };
  if (data instanceof ReadableStream)
    return { path, bytes: undefined, stream: data, size: undefined };
  throw new EmberboxError(
    "invalid_argument",
    `Expected the data of ${JSON.stringify(path)} to be a string, ArrayBuffer, Uint8Array, Blob or ReadableStream`,
  );
}

function inMemory(path: string, bytes: Uint8Array): Payload {
  return { path, bytes, stream: undefined, size: bytes.length };
}

function* batches(
  payloads: readonly Payload[],
  mayShare: (payload: Payload) => boolean,
): Generator<Payload[]> {
  let batch: Payload[] = [];
  let bytes = 0;
  for (const payload of payloads) {
    const size = payload.bytes?.length ?? Infinity;
    const alone = size > SMALL_FILE_BYTES || !mayShare(payload);
    if (batch.length > 0 && (alone || bytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    if (alone) {
      yield [payload];
      continue;
    }
    batch.push(payload);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function query(fields: Record<string, string | undefined>): string {
  const given = Object.entries(fields).filter(
    (field): field is [string, string] => field[1] !== undefined,
  );
  return String(new URLSearchParams(given));
}

/** Resolves to nothing where sandboxes know no such requests. */
async function writeTogether(
  connection: SandboxConnection,
  batch: readonly Payload[],
  { user: asUser, metadata, ...options }: WriteOptions,
): Promise<WriteInfo[] | undefined> {
  const call = new Call(connection, options);
  try {
    return await call.begin(async (progress) => {
      const answer = await sendTogether(connection, call, "write", {
        user: asUser,
        headers: { "Content-Type": "application/octet-stream", ...metadataHeaders(metadata) },
        body: piecesOf(encodeFiles(partsOf(batch)), progress),
      });
      return answer && readAnswer(answer, batch.length);
    });
  } catch (error) {
    throw await call.failure(error);
  } finally {
    call[Symbol.dispose]();
  }
}

/** Sends one request. Its time limit restarts with every piece sent, since an upload may be long. */
async function upload(
  connection: SandboxConnection,
  batch: readonly Payload[],
  options: WriteOptions,
): Promise<WriteInfo[]> {
  const call = new Call(connection, options);
  const encode = batch.length === 1 ? single : together;
  try {
    return await call.begin(async (progress) => {
      const response = await call.send(ENVD_PORT, encode(batch, options, call, progress));
      if (response.statusCode !== 200) throw await httpError(response);
      return readAnswer(response, batch.length);
    });
  } catch (error) {
    throw await call.failure(error);
  } finally {
    call[Symbol.dispose]();
  }
}

function single(
  [payload]: readonly Payload[],
  { user: asUser, metadata }: WriteOptions,
  call: Call,
  progress: () => void,
): HttpRequest {
  const { path, bytes, stream, size } = payload!;
  const length = size === undefined ? {} : { "Content-Length": String(size) };
  return {
    method: "POST",
    path: `/files?${query({ path, username: asUser })}`,
    headers: {
      "Content-Type": "application/octet-stream",
      ...length,
      ...sharedHeaders(asUser, metadata),
    },
    body: stream === undefined ? piecesOf(bytes!, progress) : uploadStream(stream, call, progress),
  };
}

function together(
  batch: readonly Payload[],
  { user: asUser, metadata }: WriteOptions,
  _call: Call,
  progress: () => void,
): HttpRequest {
  const { contentType, body } = encodeMultipart(partsOf(batch));
  return {
    method: "POST",
    path: `/files?${query({ username: asUser })}`,
    headers: {
      "Content-Type": contentType,
      "Content-Length": String(body.length),
      ...sharedHeaders(asUser, metadata),
    },
    body: piecesOf(body, progress),
  };
}

const partsOf = (batch: readonly Payload[]): Part[] =>
  batch.map(({ path, bytes }) => ({ path, bytes: bytes! }));

const sharedHeaders = (
  asUser: string | undefined,
  metadata: WriteOptions["metadata"],
): Record<string, string> => ({ ...userHeaders(asUser), ...metadataHeaders(metadata) });

function metadataHeaders(metadata: WriteOptions["metadata"] = {}): Record<string, string> {
  const given = Object.entries(metadata).map(([name, text]) => [`X-Metadata-${name}`, text]);
  return Object.fromEntries(given);
}

function piecesOf(bytes: Uint8Array, progress: () => void): Uint8Array | AsyncIterable<Uint8Array> {
  return bytes.length <= SMALL_FILE_BYTES ? bytes : uploadBytes(bytes, progress);
}

async function readAnswer({ body }: Dispatcher.ResponseData, files: number): Promise<WriteInfo[]> {
  const limits = { values: 100 * (files + 1), bytes: 16_384 * (files + 1) };
  const answer = await readDocument(body, limits);
  try {
    return answerSchema.parse(answer).map(({ name, path, type }) => ({ name, path, type }));
  } catch (cause) {
    throw new EmberboxError(
      "protocol_error",
      "The sandbox's answer to an upload is not what was expected",
      { cause },
    );
  }
}
