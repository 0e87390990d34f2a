import { StringDecoder } from "node:string_decoder";
import { z } from "zod";
import type { Dispatcher } from "undici";
import { EmberboxError } from "../errors.ts";
import {
  type FieldsOf,
  parseOptions,
  requestFields,
  type RequestOptions,
  user,
} from "../options.ts";
import { ENVD_PORT } from "../envd.ts";
import type { SandboxConnection } from "../provider.ts";
import { collect, toWebStream } from "../wire/body.ts";
import { Call } from "../wire/call.ts";
import { httpError } from "../wire/http-error.ts";
import { userHeaders } from "../wire/rpc.ts";
import { shareTurn } from "../wire/share-turn.ts";
import { checkPath } from "./path.ts";

/** Bytes of text decoded before other work gets its turn. */
const DECODED_AT_ONCE = 1024 * 1024;
/** Bytes that must arrive within each `requestTimeoutMs`; the limit restarts every time they do. */
const PROGRESS_BYTES = 64 * 1024;
/** Bytes that a read may hold in memory. */
const MAX_READ_BYTES = 512 * 1024 * 1024;

/** The form in which `read` returns a file. */
export type ReadFormat = "text" | "bytes" | "blob" | "stream";

/** What every file operation understands. */
export interface FileOptions extends RequestOptions {
  /** The user to act as. @default the sandbox's user */
  readonly user?: string | undefined;
}

/** How to read a file. */
export interface ReadOptions<Format extends ReadFormat = ReadFormat> extends FileOptions {
  /** @default "text" */
  readonly format?: Format | undefined;
}

const schema = z.strictObject({
  ...requestFields,
  user,
  format: z
    .enum(["text", "bytes", "blob", "stream"])
    .optional()
    .describe("`text`, `bytes`, `blob` or `stream`"),
} satisfies FieldsOf<ReadOptions>);

export async function readFile(
  connection: SandboxConnection,
  path: string,
  options: ReadOptions | undefined,
): Promise<string | Uint8Array | Blob | ReadableStream<Uint8Array>> {
  const { format = "text", ...checked } = parseOptions(schema, options);
  checkPath(path);
  if (format !== "stream") return readWhole(connection, path, { ...checked, format });
  const call = new Call(connection, checked);
  try {
    const response = await call.begin(() => ask(call, path, checked));
    return toWebStream(streamed(call, response));
  } catch (error) {
    call[Symbol.dispose]();
    throw await call.failure(error);
  }
}

type Whole = Exclude<ReadFormat, "stream">;

/** Reads a file into memory, of which `room` has what it and other files may take. */
export async function readWhole<Format extends Whole>(
  connection: SandboxConnection,
  path: string,
  { format, ...options }: FileOptions & { readonly format: Format },
  room: Room = new Room(`the file ${JSON.stringify(path)}`),
): Promise<Converted[Format]> {
  const call = new Call(connection, options);
  try {
    const response = await call.begin(() => ask(call, path, options));
    room.check(Number(response.headers["content-length"] ?? 0));
    const bytes = await call.begin((progress) =>
      collect(moving(response.body, progress, room), MAX_READ_BYTES),
    );
    return (await convert(bytes, format, room)) as Converted[Format];
  } catch (error) {
    throw await call.failure(error);
  } finally {
    call[Symbol.dispose]();
  }
}

interface Converted {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly blob: Blob;
}

async function ask(
  call: Call,
  path: string,
  { user }: FileOptions,
): Promise<Dispatcher.ResponseData> {
  const query = new URLSearchParams({ path });
  if (user !== undefined) query.set("username", user);
  const answer = await call.send(ENVD_PORT, {
    method: "GET",
    path: `/files?${query}`,
    headers: userHeaders(user),
  });
  if (answer.statusCode !== 200) throw await httpError(answer);
  return answer;
}

/** How much may still be read into memory. */
export class Room {
  readonly #what: string;
  #left = MAX_READ_BYTES;

  constructor(what: string) {
    this.#what = what;
  }

  /** @throws `file_too_large` when there is not that much */
  check(bytes: number): void {
    if (bytes > this.#left) throw this.tooLarge();
  }

  /** @throws `file_too_large` */
  take(bytes: number): void {
    this.check(bytes);
    this.#left -= bytes;
  }

  tooLarge(): EmberboxError {
    return new EmberboxError(
      "file_too_large",
      `Reading ${this.#what} into memory takes more than the 512 MiB that are possible`,
    );
  }
}

/**
 * Takes room for what arrives. Reports progress only for a real amount of data, so that a trickle of bytes does not
 * count.
 */
export async function* moving(
  body: AsyncIterable<Buffer>,
  progress: () => void,
  room: Room,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of body) {
    room.take(chunk.length);
    bytes += chunk.length;
    if (bytes >= PROGRESS_BYTES) {
      progress();
      bytes = 0;
    }
    yield chunk;
  }
}

/**
 * The body's bytes, for a reader who takes them at their own pace; the call lives until the last one. The sandbox has
 * as long for each next piece as for its answer.
 */
export async function* streamed(
  call: Call,
  response: Dispatcher.ResponseData,
): AsyncGenerator<Buffer> {
  const chunks = response.body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const next = await call.begin(() => chunks.next());
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    throw await call.failure(error);
  } finally {
    call[Symbol.dispose]();
    await chunks.return?.().catch(() => {});
  }
}

async function convert(
  bytes: Buffer,
  format: Whole,
  room: Room,
): Promise<string | Uint8Array | Blob> {
  if (format === "bytes") return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  if (format === "blob") return new Blob([bytes as Uint8Array<ArrayBuffer>]);
  if (bytes.length <= DECODED_AT_ONCE) return bytes.toString();
  const decoder = new StringDecoder();
  let text = "";
  try {
    for (let at = 0; at < bytes.length; at += DECODED_AT_ONCE) {
      text += decoder.write(bytes.subarray(at, at + DECODED_AT_ONCE));
      await shareTurn();
    }
    return text + decoder.end();
  } catch {
    throw room.tooLarge();
  }
}
