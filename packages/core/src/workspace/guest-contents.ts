import { hash } from "node:crypto";
import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import { readDocument } from "../wire/document.ts";
import {
  type GuestChanges,
  guestChanges,
  MAX_GUEST_BYTES,
  MAX_GUEST_ENTRIES,
  tooManyChanges,
} from "./guest-answer.ts";

/** Values in an answer: each entry is an object with its fields. */
const VALUES = 10 * MAX_GUEST_ENTRIES;
/** More than an agent puts into one frame, and into all. */
const FRAME_BYTES = 1024 * 1024;
const CONTENT_BYTES = 64 * 1024 * 1024;
const HEADER_BYTES = 5;
const TEXT = 0;
const CONTENT = 1;

interface Content {
  readonly size: number;
  readonly digest: string;
}

interface Answer {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Buffer>;
}

/**
 * Reads what an agent answers about changes. It is in frames: a byte, 0 for a part of the JSON and 1 for a file's bytes,
 * four for the length, the highest first, and that. In the JSON, a file has the number of its bytes as `content`, or
 * its digest. Agents of before answer with the JSON alone. @throws `protocol_error`
 */
export async function readChanges({ headers, body }: Answer): Promise<GuestChanges> {
  const contents: Content[] = [];
  const isFramed = headers["content-type"] === "application/octet-stream";
  const text = isFramed ? textOf(body, contents) : body;
  const answer = await readDocument(text, { bytes: MAX_GUEST_BYTES, values: VALUES });
  const parsed = guestChanges.safeParse(withDigests(answer, contents));
  if (!parsed.success) throw unexpected(parsed.error);
  if (parsed.data.isTooMuch) throw tooManyChanges();
  return parsed.data;
}

/** The JSON; `contents` is told of the files. */
async function* textOf(body: AsyncIterable<Buffer>, contents: Content[]): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let [size, needed] = [0, HEADER_BYTES];
  let room = CONTENT_BYTES;
  for await (const piece of body) {
    pieces.push(piece);
    size += piece.length;
    if (size < needed) continue;
    const bytes = Buffer.concat(pieces);
    let at = 0;
    for (;;) {
      needed = HEADER_BYTES;
      if (at + needed > size) break;
      const kind = bytes[at];
      const length = bytes.readUInt32BE(at + 1);
      if ((kind !== TEXT && kind !== CONTENT) || length > FRAME_BYTES) throw unexpected();
      needed += length;
      if (at + needed > size) break;
      const frame = bytes.subarray(at + HEADER_BYTES, at + needed);
      at += needed;
      if (kind === TEXT) yield frame;
      else {
        room -= length;
        if (room < 0 || contents.length === MAX_GUEST_ENTRIES) throw unexpected();
        contents.push({ size: length, digest: hash("sha256", frame, "hex") });
      }
    }
    pieces = [bytes.subarray(at)];
    size -= at;
  }
  if (size > 0) throw unexpected();
}

const withContents = z.looseObject({
  entries: z.array(z.looseObject({ content: z.int().min(0).optional() })),
});

/** What was said of a file whose bytes were sent does not count. */
function withDigests(answer: unknown, contents: readonly Content[]): unknown {
  const { success, data } = withContents.safeParse(answer);
  if (!success) return answer;
  const entries = data.entries.map(({ content, ...facts }) => {
    if (content === undefined) return facts;
    const known = contents[content];
    if (known === undefined) throw unexpected();
    return { ...facts, ...known };
  });
  return { ...data, entries };
}

function unexpected(cause?: unknown): EmberboxError {
  const message = "The sandbox's answer about a workspace is not what was expected";
  return new EmberboxError("protocol_error", message, { cause });
}
