import { Transform } from "node:stream";
import type { Traces } from "./traces.ts";

const COVER = 0x2a;
/** No secret contains it: what ends with it can be let through. */
const LINE_FEED = 0x0a;

/** Overwrites what must not pass with asterisks of the same length, so that byte counts stay right. */
class Cover {
  readonly #traces: Traces;
  #state = 0;
  #held: Buffer = Buffer.alloc(0);

  constructor(traces: Traces) {
    this.#traces = traces;
  }

  /**
   * What may pass. Only the last bytes of an unfinished line are held back, always the same number: how much passes
   * when says nothing about how much of a value was in it.
   */
  add(chunk: Buffer): Buffer {
    const { columns, next, hold } = this.#traces;
    const before = this.#held.length;
    const bytes = Buffer.concat([this.#held, chunk]);
    let state = this.#state;
    for (let at = 0; at < chunk.length; at++) {
      state = next[state + columns[chunk[at]!]!]!;
      if (state >= 0) continue;
      state = ~state;
      bytes.fill(COVER, before + at + 1 - this.#traces.lengthAt(state), before + at + 1);
    }
    this.#state = state;
    const line = chunk.lastIndexOf(LINE_FEED);
    const end = Math.max(line < 0 ? 0 : before + line + 1, bytes.length - hold, 0);
    this.#held = bytes.subarray(end);
    return bytes.subarray(0, end);
  }

  end(): Buffer {
    return this.#held;
  }
}

export class Redactor extends Transform {
  readonly #cover: Cover;

  constructor(traces: Traces) {
    super();
    this.#cover = new Cover(traces);
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: null, data?: Buffer) => void,
  ): void {
    const bytes = this.#cover.add(chunk);
    if (bytes.length > 0) done(null, bytes);
    else done(null);
  }

  override _flush(done: (error: null, data?: Buffer) => void): void {
    done(null, this.#cover.end());
  }
}

/** All of it at once, in a copy. */
export function redact(bytes: Buffer, traces: Traces): Buffer {
  const cover = new Cover(traces);
  return Buffer.concat([cover.add(bytes), cover.end()]);
}
