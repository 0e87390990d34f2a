import { Transform } from "node:stream";

const COVER = 0x2a;

/** Overwrites what must not pass with asterisks, of the same length: what counts bytes stays right. */
export class Redactor extends Transform {
  readonly #traces: readonly Buffer[];
  #held: Buffer = Buffer.alloc(0);

  constructor(traces: readonly Buffer[]) {
    super();
    this.#traces = traces;
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: null, data?: Buffer) => void,
  ): void {
    const bytes = Buffer.concat([this.#held, chunk]);
    redact(bytes, this.#traces);
    const held = Math.max(0, ...this.#traces.map((trace) => beginsAtEnd(bytes, trace)));
    this.#held = bytes.subarray(bytes.length - held);
    done(null, bytes.subarray(0, bytes.length - held));
  }

  override _flush(done: (error: null, data?: Buffer) => void): void {
    done(null, this.#held);
  }
}

/** In place. */
export function redact(bytes: Buffer, traces: readonly Buffer[]): Buffer {
  for (const trace of traces) {
    for (let at = bytes.indexOf(trace); at >= 0; at = bytes.indexOf(trace, at + trace.length))
      bytes.fill(COVER, at, at + trace.length);
  }
  return bytes;
}

/** How many bytes at the end are the beginning of a trace. */
function beginsAtEnd(bytes: Buffer, trace: Buffer): number {
  for (let length = Math.min(bytes.length, trace.length - 1); length > 0; length--) {
    if (bytes.compare(trace, 0, length, bytes.length - length) === 0) return length;
  }
  return 0;
}
