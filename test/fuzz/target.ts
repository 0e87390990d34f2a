/** A parser of what a hostile side says. */
export interface Target {
  /** Gives one input to the parser, and throws when what comes of it is wrong. */
  readonly run: (input: Buffer) => void | Promise<void>;
  /** Whether an error is one by which the parser refuses its input. */
  readonly refuses: (error: unknown) => boolean;
  /** What inputs may be made of, beside words of the source. */
  readonly words?: readonly (string | Buffer)[];
  /** @default 4096 */
  readonly maxBytes?: number;
  /** How many of the inputs that are asked for, where each takes long. @default 1 */
  readonly share?: number;
  /** What one input may cost beside a constant, for each of its bytes. */
  readonly microsecondsPerByte?: number;
  readonly heapBytesPerByte?: number;
}

/** What came of an input is wrong, whatever the parser says. */
export class Wrong extends Error {}

export function check(isRight: boolean, what: string): void {
  if (!isRight) throw new Wrong(what);
}

/** Cut in pieces, whose sizes an input's first byte says, so that an input is always cut alike. */
export function inPieces(input: Buffer): { readonly bytes: Buffer; readonly pieces: Buffer[] } {
  const size = input.length === 0 ? 0 : (input[0]! & 0x3f) + 1;
  const bytes = input.subarray(1);
  if (size > 32) return { bytes, pieces: [bytes] };
  const pieces: Buffer[] = [];
  // Long inputs in long pieces: their number is not what is looked at.
  const length = Math.max(size, Math.ceil(bytes.length / 256));
  for (let at = 0; at < bytes.length; at += length) pieces.push(bytes.subarray(at, at + length));
  return { bytes, pieces };
}
