/** Takes chunks of a body as they come. */
export type Sink = (chunk: Buffer) => void;

export interface Messages {
  /** Called with each message, which is valid only during the call. */
  readonly next: (message: Buffer) => void;
  /** Called for a message that is longer than is kept. */
  readonly tooLong: () => void;
}

const LONGEST = 1024 * 1024;
const HEAD = 5;
const NEWLINE = 10;

/**
 * Cuts a stream of Connect's into its messages, up to the first that is not one of data as it is: clients end there, or
 * refuse it, since no compression was agreed on.
 */
export function splitEnvelopes({ next, tooLong }: Messages): Sink {
  let held: Buffer[] = [];
  let size = 0;
  let needed = HEAD;
  let skip = 0;
  let isOver = false;
  return (chunk) => {
    if (isOver) return;
    const passed = Math.min(skip, chunk.length);
    skip -= passed;
    if (passed === chunk.length) return;
    held.push(chunk.subarray(passed));
    size += chunk.length - passed;
    if (size >= needed) {
      const all = held.length === 1 ? held[0]! : Buffer.concat(held);
      let at = 0;
      needed = HEAD;
      while (all.length - at >= HEAD) {
        isOver = all[at] !== 0;
        if (isOver) return void (held = []);
        const length = all.readUInt32BE(at + 1);
        if (length > LONGEST) {
          const there = Math.min(length, all.length - at - HEAD);
          skip = length - there;
          at += HEAD + there;
          tooLong();
          continue;
        }
        needed = HEAD + length;
        if (all.length - at < needed) break;
        next(all.subarray(at + HEAD, at + needed));
        at += needed;
        needed = HEAD;
      }
      held = at === all.length ? [] : [all.subarray(at)];
      size = all.length - at;
    }
    // A small rest would keep all of a large chunk.
    if (held.length > 0) held.push(Buffer.from(held.pop()!));
  };
}

/** Cuts a stream into its lines. */
export function splitLines({ next, tooLong }: Messages): Sink {
  let held: Buffer[] = [];
  let size = 0;
  let isSkipping = false;
  return (chunk) => {
    let at = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, at);
      if (end === -1) break;
      const piece = chunk.subarray(at, end);
      if (!isSkipping) next(held.length === 0 ? piece : Buffer.concat([...held, piece]));
      isSkipping = false;
      held = [];
      size = 0;
      at = end + 1;
    }
    if (isSkipping || at === chunk.length) return;
    size += chunk.length - at;
    if (size <= LONGEST) return void held.push(Buffer.from(chunk.subarray(at)));
    held = [];
    isSkipping = true;
    tooLong();
  };
}
