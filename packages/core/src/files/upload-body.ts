import { EmberboxError } from "../errors.ts";
import type { Call } from "../wire/call.ts";

/** Bytes handed to the connection at a time. */
const PIECE_BYTES = 256 * 1024;

/** Yields bytes in pieces, so that a slow connection still shows progress. */
export async function* uploadBytes(
  bytes: Uint8Array,
  progress: () => void,
): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
    progress();
    yield bytes.subarray(offset, offset + PIECE_BYTES);
  }
  progress();
}

/** Yields the caller's stream. It is cancelled when the call ends early; if it fails, the call fails with its error. */
export async function* uploadStream(
  stream: ReadableStream<Uint8Array>,
  call: Call,
  progress: () => void,
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  const cancel = (): void => void reader.cancel(call.signal.reason).catch(() => {});
  call.signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      progress();
      if (done) return;
      yield asBytes(value);
    }
  } catch (error) {
    call.abort(error);
    throw error;
  } finally {
    call.signal.removeEventListener("abort", cancel);
    cancel();
  }
}

function asBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === "string") return Buffer.from(chunk);
  throw new EmberboxError(
    "invalid_argument",
    `Expected the stream to give bytes, got ${typeof chunk}`,
  );
}
