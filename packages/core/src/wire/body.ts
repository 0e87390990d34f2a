import { EmberboxError } from "../errors.ts";
import { Gathered } from "./gathered.ts";
import { checkJson } from "./json-reader.ts";
import { shareTurn } from "./share-turn.ts";

/** The most bytes of one message in a stream. */
const ENVELOPE_LIMIT = 4 * 1024 * 1024;
const ENVELOPE_HEADER = 5;
const ENVELOPES_AT_ONCE = 32;
const EVENT_LIMITS = { depth: 64, values: 10_000 };
/** Bytes read of an error's text. */
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

/** Reads a short text, such as an error's; reading stops past the limit. */
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
 * Yields Connect envelopes, only ever whole ones.
 * @throws `protocol_error` for an envelope that announces more than the limit, before it is buffered, and for one whose
 * JSON exceeds the limits of an event
 */
export async function* wholeEnvelopes(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const pending = new Gathered();
  /** Total bytes of the pending envelope, as far as known. */
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
  // It was cut short; whoever reads envelopes reports it.
  if (pending.length > 0) yield pending.take();
}

/** Where the envelope that begins at `at` ends; `undefined` when it is incomplete. */
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

/** A web stream that never reads ahead. */
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
