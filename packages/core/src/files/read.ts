import { z } from "zod";
import type { Dispatcher } from "undici";
import { EmberboxError } from "../errors.ts";
import { parseOptions, requestFields, user, type RequestOptions } from "../options.ts";
import { ENVD_PORT, type SandboxConnection } from "../provider.ts";
import { collect, toWebStream } from "../wire/body.ts";
import { Call } from "../wire/call.ts";
import { httpError } from "../wire/http-error.ts";
import { userHeaders } from "../wire/rpc.ts";
import { checkPath } from "./path.ts";

/** Bytes that a read may hold in memory. */
const MAX_READ_BYTES = 512 * 1024 * 1024;

export type ReadFormat = "text" | "bytes" | "blob" | "stream";

export interface FileOptions extends RequestOptions {
  /** The user in the sandbox that the call acts as. @default the sandbox's user */
  readonly user?: string | undefined;
}

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
});

export async function readFile(
  connection: SandboxConnection,
  path: string,
  options: ReadOptions | undefined,
): Promise<string | Uint8Array | Blob | ReadableStream<Uint8Array>> {
  const { format = "text", ...checked } = parseOptions(schema, options);
  const query = new URLSearchParams({ path: checkPath(path) });
  if (checked.user !== undefined) query.set("username", checked.user);
  const call = new Call(connection, checked);
  try {
    const response = await call.begin(async () => {
      const answer = await call.send(ENVD_PORT, {
        method: "GET",
        path: `/files?${query}`,
        headers: userHeaders(checked.user),
      });
      if (answer.statusCode !== 200) throw await httpError(answer);
      return answer;
    });
    if (format === "stream") return toWebStream(streamed(call, response));
    const bytes = await call.race(readWhole(response, path));
    call[Symbol.dispose]();
    return convert(bytes, format, path);
  } catch (error) {
    call[Symbol.dispose]();
    throw await call.failure(error);
  }
}

async function readWhole(response: Dispatcher.ResponseData, path: string): Promise<Buffer> {
  const announced = Number(response.headers["content-length"] ?? 0);
  if (announced > MAX_READ_BYTES) throw tooLarge(path);
  return collect(response.body, MAX_READ_BYTES, () => tooLarge(path));
}

/** The body's bytes, for a reader who takes them when they like; the call lives on until the last one. */
async function* streamed(call: Call, response: Dispatcher.ResponseData): AsyncGenerator<Buffer> {
  try {
    yield* response.body;
  } catch (error) {
    throw await call.failure(error);
  } finally {
    call[Symbol.dispose]();
  }
}

function convert(
  bytes: Buffer,
  format: "text" | "bytes" | "blob",
  path: string,
): string | Uint8Array | Blob {
  if (format === "bytes") return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  if (format === "blob") return new Blob([bytes as Uint8Array<ArrayBuffer>]);
  try {
    return bytes.toString();
  } catch {
    throw tooLarge(path);
  }
}

function tooLarge(path: string): EmberboxError {
  return new EmberboxError(
    "file_too_large",
    `The file ${JSON.stringify(path)} is larger than the 512 MiB that can be read into memory`,
  );
}
