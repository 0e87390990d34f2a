import { EmberboxError } from "../errors.ts";
import { Gathered } from "./gathered.ts";
import { checkJson } from "./json-reader.ts";
import { shareTurn } from "./share-turn.ts";

/** Bytes of one message in a stream of them. */
const ENVELOPE_LIMIT = 4 * 1024 * 1024;
const ENVELOPE_HEADER = 5;
const ENVELOPES_AT_ONCE = 32;
const EVENT_LIMITS = { depth: 64, values: 10_000 };
/** Characters of an error's text. */
const TEXT_LIMIT = 64 * 1024;

/** Reads a body into one buffer. @throws `onTooLong()` past `limit` bytes */
export async function collect(
  body: AsyncIterable<Buffer>,
  limit: number,
  onTooLong: () => Error = tooLong,
): Promise<Buffer> {
  const gathered = new Gathered();
  for await (const chunk of body) {
    if (gathered.length + chunk.length > limit) throw onTooLong();
    gathered.push(chunk);
    await shareTurn();
  }
  return gathered.takeLarge();
}

/** Reads a short text, such as an error's. What is over the limit is not read. */
export async function collectText(body: AsyncIterable<Buffer>): Promise<string> {
  const gathered = new Gathered();
  for await (const chunk of body) {
    gathered.push(chunk);
    if (gathered.length > TEXT_LIMIT) break;
    await shareTurn();
  }
  return gathered.take().toString();
}

/**
 * Passes Connect envelopes on, whole ones only. @throws `protocol_error` for one that announces more than the limit,
 * before it is buffered, and for one whose JSON costs more than an event's may
 */
export async function* wholeEnvelopes(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const pending = new Gathered();
  /** Bytes that the pending envelope has when it is whole, as far as that is known. */
  let size = ENVELOPE_HEADER;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length;) {
      const start = at;
      for (let count = 0; pending.length === 0 && count < ENVELOPES_AT_ONCE; count++) {
        const end = wholeEnd(chunk, at);
        if (end === undefined) break;
        at = end;
      }
      if (at > start) {
        yield chunk.subarray(start, at);
        await shareTurn();
        continue;
      }
      const taken = Math.min(size - pending.length, chunk.length - at);
      pending.push(chunk.subarray(at, at + taken));
      at += taken;
      if (pending.length < size) continue;
      const envelope = pending.take();
      size = ENVELOPE_HEADER + announced(envelope, 0);
      if (envelope.length < size) {
        pending.push(envelope);
        continue;
      }
      size = ENVELOPE_HEADER;
      checkJson(envelope.subarray(ENVELOPE_HEADER), EVENT_LIMITS);
      yield envelope;
      await shareTurn();
    }
  }
  // Cut short; what reads envelopes says so.
  if (pending.length > 0) yield pending.take();
}

/** Where the envelope ends that begins at `at`, when it is all there. */
function wholeEnd(chunk: Buffer, at: number): number | undefined {
  if (at + ENVELOPE_HEADER > chunk.length) return undefined;
  const end = at + ENVELOPE_HEADER + announced(chunk, at);
  if (end > chunk.length) return undefined;
  checkJson(chunk.subarray(at + ENVELOPE_HEADER, end), EVENT_LIMITS);
  return end;
}

function announced(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at + 1);
  if (length > ENVELOPE_LIMIT) throw tooLong();
  return length;
}

/** A web stream that reads only what is asked of it. */
export function toWebStream(chunks: AsyncIterator<Buffer>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel() {
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function tooLong(): EmberboxError {
  return new EmberboxError("protocol_error", "The sandbox sent a message that is too long");
}
