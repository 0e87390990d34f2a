import type { ReadRawResult, ReadResult } from "deepagents";
import {
  commonLimits,
  mimeType,
  pictureProblem,
  smallerPicture,
  withoutRefused,
} from "@emberbox/core/tools";
import { asAnyUser, hasCode, type BackendCall } from "./call.ts";

/** The most bytes of a file that is not text, which is what deepagents passes on, and of one read of lines. */
const MAX_BYTES = 10 * 1024 * 1024;
/** Enough bytes to tell text from anything else. */
const SAMPLE_BYTES = 8192;

/** What deepagents says of a file without content; an empty answer would be refused by some models. */
const EMPTY = "System reminder: File exists but has empty contents";

/** A file's lines from `offset`, counted from 0; the whole file when it is a picture or PDF that models can read. */
export async function read(
  call: BackendCall,
  path: string,
  offset: number,
  limit: number,
): Promise<ReadResult> {
  const opened = await open(call, path);
  if ("error" in opened) return opened;
  const { stream, size, as } = opened;
  const reader = new ByteReader(stream);
  try {
    await reader.fill(SAMPLE_BYTES);
    const type = mimeType(path, reader.bytes.subarray(0, SAMPLE_BYTES));
    if (!isText(type)) {
      if (size > MAX_BYTES) return { error: tooLarge(path, size) };
      await reader.fill(MAX_BYTES);
      return await document(call, path, as, reader.bytes, type);
    }
    if (reader.bytes.length === 0) return { content: EMPTY, mimeType: type };
    const lines = await readLines(reader, wholeNumber(offset), wholeNumber(limit));
    // deepagents treats some types, such as XML, as binary.
    return { ...withoutRefused(lines), mimeType: type === "application/xml" ? "text/xml" : type };
  } finally {
    await reader.cancel();
  }
}

/**
 * A file that deepagents puts into the conversation as it is. Others are refused here, since a model that does not take
 * them refuses the whole thread from then on; of a picture, a copy that models take is read instead.
 */
async function document(
  { sandbox, signal }: BackendCall,
  path: string,
  as: AsUser,
  content: Buffer,
  mimeType: string,
): Promise<ReadResult> {
  if (mimeType === "application/pdf") return { content, mimeType };
  const problem = mimeType.startsWith("image/")
    ? pictureProblem(content)
    : "which models cannot read; work on it with a command";
  if (problem === undefined) return { content, mimeType };
  const copy =
    mimeType.startsWith("image/") &&
    (await smallerPicture(sandbox, path, { maxBytes: commonLimits.maxBytes, signal, ...as }));
  return copy
    ? { content: copy.bytes, mimeType: copy.mimeType }
    : { error: `'${path}' is ${mimeType}, ${problem}` };
}

/** Reads a whole file. */
export async function readRaw(call: BackendCall, path: string): Promise<ReadRawResult> {
  const opened = await open(call, path);
  if ("error" in opened) return opened;
  const { stream, size, modified } = opened;
  const reader = new ByteReader(stream);
  try {
    if (size > MAX_BYTES) return { error: tooLarge(path, size) };
    await reader.fill(MAX_BYTES);
    const { bytes } = reader;
    const type = mimeType(path, bytes.subarray(0, SAMPLE_BYTES));
    const content = isText(type) ? new TextDecoder().decode(bytes) : bytes;
    const times = { created_at: modified, modified_at: modified };
    return { data: { content, mimeType: type, ...times } };
  } finally {
    await reader.cancel();
  }
}

type AsUser = { readonly user?: string };
type Opened =
  | {
      readonly as: AsUser;
      readonly stream: ReadableStream<Uint8Array>;
      readonly size: number;
      readonly modified: string;
    }
  | { readonly error: string };

async function open({ sandbox, signal }: BackendCall, path: string): Promise<Opened> {
  try {
    return await asAnyUser(async (as) => {
      const info = await sandbox.files.getInfo(path, { signal, ...as });
      if (info.type === "dir") return { error: `'${path}' is a directory; list it with ls` };
      if (info.type !== "file") return { error: `'${path}' is not a regular file` };
      const stream = await sandbox.files.read(path, { format: "stream", signal, ...as });
      const modified = (info.modifiedTime ?? new Date(0)).toISOString();
      return { as, stream, size: info.size, modified };
    });
  } catch (error) {
    if (hasCode(error, "file_not_found")) return { error: `File '${path}' not found` };
    throw error;
  }
}

/** Reads no further than the lines require, so the end of a large file is never read. */
async function readLines(reader: ByteReader, offset: number, limit: number): Promise<ReadResult> {
  const from = await reader.skipLines(offset);
  let end = from;
  let count = 0;
  while (count < limit && end - from < MAX_BYTES) {
    const newline = await reader.indexOfNewline(end);
    if (newline < 0) {
      if (reader.bytes.length > end) count += 1;
      end = reader.bytes.length;
      break;
    }
    end = newline + 1;
    count += 1;
  }
  const more = count > 0 && (await reader.has(end));
  const text = new TextDecoder().decode(reader.bytes.subarray(from, end));
  if (count === 0) return { content: "" };
  return {
    content: text.replace(/\n$/, ""),
    startLine: offset + 1,
    endLine: offset + count,
    ...(more ? { nextOffset: offset + count } : { totalLines: offset + count }),
  };
}

function isText(type: string): boolean {
  return type.startsWith("text/") || /^(?:application\/(?:json|xml)|image\/svg\+xml)$/.test(type);
}

function wholeNumber(value: number): number {
  return Number.isFinite(value) ? Math.max(0, Math.floor(value)) : 0;
}

function tooLarge(path: string, size: number): string {
  return `File '${path}' is too large to be read (${Math.round(size / 1e6)} MB); use a command`;
}

/** Reads a stream's bytes on demand. */
class ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #done = false;
  bytes: Buffer = Buffer.alloc(0);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Reads until that many bytes are available, or all. */
  async fill(length: number): Promise<void> {
    const pieces: Uint8Array[] = [this.bytes];
    let have = this.bytes.length;
    while (have < length && !this.#done) {
      const { done, value } = await this.#reader.read();
      this.#done = done;
      if (value === undefined) continue;
      pieces.push(value);
      have += value.length;
    }
    if (pieces.length > 1) this.bytes = Buffer.concat(pieces);
  }

  async has(at: number): Promise<boolean> {
    await this.fill(at + 1);
    return this.bytes.length > at;
  }

  /** The index of the next end of line; -1 when there is none within the limit. */
  async indexOfNewline(from: number): Promise<number> {
    let searched = from;
    for (;;) {
      const found = this.bytes.indexOf(10, searched);
      searched = this.bytes.length;
      if (found >= 0 || this.#done || searched - from > MAX_BYTES) return found;
      await this.fill(searched * 2 + SAMPLE_BYTES);
    }
  }

  /** Skips lines, dropping their bytes. Resolves with the index where the next line begins. */
  async skipLines(count: number): Promise<number> {
    let at = 0;
    for (let line = 0; line < count;) {
      const newline = this.bytes.indexOf(10, at);
      if (newline >= 0) {
        at = newline + 1;
        line += 1;
        continue;
      }
      this.bytes = Buffer.alloc(0);
      at = 0;
      if (!(await this.has(0))) return 0;
    }
    return at;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }
}
