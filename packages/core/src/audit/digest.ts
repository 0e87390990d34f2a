import { createHash, type Hash } from "node:crypto";
import type { AuditDigest } from "../audit-event.ts";

/** The longest text that is recorded whole, in characters. */
const MAX_TEXT = 65_536;

/** Describes a text or bytes; the text is there where content is recorded. */
export function digestOf(data: string | Uint8Array, withText: boolean): AuditDigest {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  return {
    bytes: bytes.byteLength,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    ...(withText && { text: beginningOf(data) }),
  };
}

function beginningOf(data: string | Uint8Array): string {
  if (typeof data === "string") return data.slice(0, MAX_TEXT);
  return new TextDecoder().decode(data.subarray(0, MAX_TEXT));
}

/** Describes what passes through a stream, once it has. */
export class PassingDigest {
  readonly #hash: Hash = createHash("sha256");
  #bytes = 0;

  /** Counts a piece. */
  take(piece: Uint8Array): void {
    this.#hash.update(piece);
    this.#bytes += piece.byteLength;
  }

  /** Counts what is read of a stream. */
  through(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, controller) => {
        this.take(piece);
        controller.enqueue(piece);
      },
    });
    return stream.pipeThrough(count);
  }

  /** Of what has passed so far. */
  soFar(): AuditDigest {
    return { bytes: this.#bytes, sha256: this.#hash.copy().digest("hex") };
  }
}
