import { EmberboxError } from "../errors.ts";

/** Bytes of an answer that is read as a whole, such as a listing. */
const DOCUMENT_LIMIT = 64 * 1024 * 1024;
/** Bytes of one message in a stream of them. */
const ENVELOPE_LIMIT = 16 * 1024 * 1024;
const ENVELOPE_HEADER = 5;

/** Reads a body into one buffer. @throws `onTooLong()` past `limit` bytes */
export async function collect(
  body: AsyncIterable<Buffer>,
  limit: number = DOCUMENT_LIMIT,
  onTooLong: () => Error = tooLong,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw onTooLong();
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
}

/** Reads a short text, such as an error's. What is over the limit is not read. */
export async function collectText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > 64 * 1024) break;
  }
  return Buffer.concat(chunks).toString();
}

/** Passes a body on, and refuses it past the limit. */
export async function* limited(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > DOCUMENT_LIMIT) throw tooLong();
    yield chunk;
  }
}

/** Passes Connect envelopes on, and refuses one that announces more than the limit before it is buffered. */
export async function* limitedEnvelopes(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const header = Buffer.alloc(ENVELOPE_HEADER);
  let headerBytes = 0;
  let remaining = 0;
  for await (const chunk of body) {
    let offset = 0;
    while (offset < chunk.length) {
      if (remaining > 0) {
        const step = Math.min(remaining, chunk.length - offset);
        remaining -= step;
        offset += step;
        continue;
      }
      const copied = chunk.copy(header, headerBytes, offset);
      headerBytes += copied;
      offset += copied;
      if (headerBytes < ENVELOPE_HEADER) continue;
      headerBytes = 0;
      remaining = header.readUInt32BE(1);
      if (remaining > ENVELOPE_LIMIT) throw tooLong();
    }
    yield chunk;
  }
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
