import { Transform } from "node:stream";
import { redact } from "./redact.ts";
import type { Traces } from "./traces.ts";

const MAX_MESSAGE = 1_048_576;
const MAX_HEAD = 14;
/** What keeping a frame costs besides its bytes. */
const FRAME_COST = 64;

interface Frame {
  readonly head: Buffer;
  readonly payload: Buffer;
}

/**
 * Overwrites what must not pass in a server's messages, each of which is passed on when it is complete. Ends with an
 * error for anything but plain WebSocket: compressed or otherwise extended frames, masked ones, messages that are too
 * long.
 */
export class MessageRedactor extends Transform {
  readonly #traces: Traces;
  readonly #message: Frame[] = [];
  #parts: Buffer[] = [];
  #length = 0;
  #needed = 2;
  #cost = 0;

  constructor(traces: Traces) {
    super();
    this.#traces = traces;
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: Error | null) => void,
  ): void {
    // A copy: a slice of a few bytes would retain all that was read with them.
    this.#parts.push(Buffer.from(chunk));
    this.#length += chunk.length;
    try {
      // Long messages come in many parts, which are joined once.
      if (this.#length >= this.#needed || this.#parts.length > 1024) this.#read();
      done(null);
    } catch (error) {
      done(error as Error);
    }
  }

  #read(): void {
    let bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    for (;;) {
      const sizes = readHead(bytes);
      this.#needed = sizes ? sizes.head + sizes.payload : Math.min(bytes.length + 1, MAX_HEAD);
      if (sizes === undefined || bytes.length < this.#needed) break;
      this.#take({
        head: bytes.subarray(0, sizes.head),
        payload: bytes.subarray(sizes.head, this.#needed),
      });
      bytes = bytes.subarray(this.#needed);
    }
    this.#parts = [bytes];
    this.#length = bytes.length;
  }

  #take({ head, payload }: Frame): void {
    const isControl = (head[0]! & 0x08) !== 0;
    if (isControl) return this.#send([{ head, payload }]);
    this.#cost += payload.length + FRAME_COST;
    if (this.#cost > MAX_MESSAGE + FRAME_COST) throw new Error("a message is too long");
    this.#message.push({ head, payload });
    const isLast = (head[0]! & 0x80) !== 0;
    if (!isLast) return;
    this.#send(this.#message.splice(0));
    this.#cost = 0;
  }

  #send(frames: readonly Frame[]): void {
    const clean = redact(Buffer.concat(frames.map(({ payload }) => payload)), this.#traces);
    let at = 0;
    for (const { head, payload } of frames) {
      this.push(head);
      if (payload.length > 0) this.push(clean.subarray(at, (at += payload.length)));
    }
  }
}

/** How long a frame is; `undefined` while its head is incomplete. */
function readHead(bytes: Buffer): { head: number; payload: number } | undefined {
  if (bytes.length < 2) return undefined;
  if ((bytes[0]! & 0x70) !== 0) throw new Error("a frame is packed");
  if ((bytes[1]! & 0x80) !== 0) throw new Error("a server's frame is masked");
  const short = bytes[1]! & 0x7f;
  const head = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < head) return undefined;
  const payload =
    short === 127
      ? Number(bytes.readBigUInt64BE(2))
      : short === 126
        ? bytes.readUInt16BE(2)
        : short;
  if (payload > MAX_MESSAGE) throw new Error("a message is too long");
  return { head, payload };
}
