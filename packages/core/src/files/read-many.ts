import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import { type FieldsOf, parseOptions, requestFields, user } from "../options.ts";
import type { SandboxConnection } from "../provider.ts";
import { collect } from "../wire/body.ts";
import { Call } from "../wire/call.ts";
import { errorOfStatus } from "../wire/http-error.ts";
import { shareTurn } from "../wire/share-turn.ts";
import { checkPath } from "./path.ts";
import { moving, readWhole, Room, type FileOptions, type ReadOptions } from "./read.ts";
import { sendTogether } from "./together.ts";

/** The most files that share a request. */
const BATCH = 250;
/** How many are read at once of those that do not share requests. */
const AT_ONCE = 8;
const HEADER_BYTES = 5;
/** The longest file that a sandbox puts into an answer with others. */
const SHARED_BYTES = 256 * 1024;
/** What an envelope has, by its first byte; the others say how long it is. */
const FILE = 0;
/** The file is too long to share an answer. */
const LARGE = 1;

const schema = z.strictObject({
  ...requestFields,
  user,
  format: z.enum(["text", "bytes"]).optional().describe("`text` or `bytes` for several files"),
} satisfies FieldsOf<ReadOptions>);
const failure = z.object({ code: z.int(), message: z.string() });

/** Reads files, in the order given; small ones share requests. */
export async function readFiles(
  connection: SandboxConnection,
  paths: readonly string[],
  options: ReadOptions | undefined,
): Promise<(string | Uint8Array)[]> {
  const { format = "text", ...checked } = parseOptions(schema, options);
  paths.forEach(checkPath);
  const room = new Room("the files");
  const read: (string | Uint8Array)[] = [];
  const alone: number[] = [];
  for (let from = 0; from < paths.length; from += BATCH) {
    const batch = paths.slice(from, from + BATCH);
    const files = await readTogether(connection, batch, checked, room);
    for (let index = 0; index < batch.length; index++) {
      const file = files?.[index];
      if (file === undefined) alone.push(from + index);
      else read[from + index] = format === "text" ? file.toString() : new Uint8Array(file);
      await shareTurn();
    }
  }
  await inTurns(alone, checked.signal, async (index, signal) => {
    const path = paths[index]!;
    read[index] = await readWhole(connection, path, { ...checked, format, signal }, room);
  });
  return read;
}

/** The files of one answer, without those that are too long for it; nothing if the sandbox does not give such answers. */
async function readTogether(
  connection: SandboxConnection,
  paths: readonly string[],
  options: FileOptions,
  room: Room,
): Promise<(Buffer | undefined)[] | undefined> {
  const call = new Call(connection, options);
  try {
    return await call.begin(async (progress) => {
      const answer = await sendTogether(connection, call, "read", {
        user: options.user,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ paths }),
      });
      if (answer === undefined) return undefined;
      const limit = paths.length * (HEADER_BYTES + SHARED_BYTES);
      return filesIn(await collect(moving(answer.body, progress, room), limit), paths.length);
    });
  } catch (error) {
    throw await call.failure(error);
  } finally {
    call[Symbol.dispose]();
  }
}

function filesIn(answer: Buffer, count: number): (Buffer | undefined)[] {
  const files: (Buffer | undefined)[] = [];
  let at = 0;
  while (files.length < count) {
    const begin = at + HEADER_BYTES;
    const end = begin <= answer.length ? begin + answer.readUInt32BE(at + 1) : Infinity;
    if (end > answer.length) throw unexpected();
    const content = answer.subarray(begin, end);
    const kind = answer[at];
    if (kind !== FILE && kind !== LARGE) throw errorIn(content);
    files.push(kind === FILE ? content : undefined);
    at = end;
  }
  return files;
}

function errorIn(content: Buffer): EmberboxError {
  try {
    const { code, message } = failure.parse(JSON.parse(content.toString()));
    return errorOfStatus(code, message);
  } catch (cause) {
    return unexpected(cause);
  }
}

function unexpected(cause?: unknown): EmberboxError {
  const message = "The sandbox's answer to a request for files is not what was expected";
  return new EmberboxError("protocol_error", message, { cause });
}

/** Does work for each, some at a time; the first that fails ends the others. */
async function inTurns(
  indices: readonly number[],
  signal: AbortSignal | undefined,
  work: (index: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const waiting = indices.values();
  const worker = async (): Promise<void> => {
    for (const index of waiting) await work(index, either);
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } catch (error) {
    failed.abort(error);
    throw error;
  }
}
