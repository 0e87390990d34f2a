import { createFrameParser, MAX_PAYLOAD } from "../../../packages/wire/src/channel/frames.ts";
import { check, inPieces, type Target } from "../target.ts";

/** What a parser makes of the bytes, in pieces: each frame, and the error at the end. */
function read(pieces: readonly Buffer[]): string[] {
  const found: string[] = [];
  let data = "";
  const flush = (): void => {
    if (data !== "") found.push(data);
    data = "";
  };
  const parse = createFrameParser({
    data(stream, part) {
      check(part.length > 0 && part.length <= MAX_PAYLOAD, "a part of the wrong size");
      const head = `data ${stream} `;
      if (!data.startsWith(head)) flush();
      data = (data || head) + part.toString("hex");
    },
    control(kind, stream, payload) {
      check(payload.length <= MAX_PAYLOAD, "a payload that is too long");
      flush();
      found.push(`${kind} ${stream} ${payload.toString("hex")}`);
    },
  });
  try {
    for (const piece of pieces) parse(piece);
  } catch (error) {
    if (!refuses(error)) throw error;
    found.push("refused");
  }
  flush();
  return found;
}

const refuses = (error: unknown): boolean =>
  error instanceof Error && /^a frame of \d+ bytes is over the limit/.test(error.message);

/** Frames of the channel: cut however, they are the same. */
export const target: Target = {
  refuses,
  // What is compared is text of all bytes.
  heapBytesPerByte: 8192,
  run(input) {
    const { bytes, pieces } = inPieces(input);
    const [whole, cut] = [read([bytes]), read(pieces)];
    check(whole.join("\n") === cut.join("\n"), "cut in pieces it means something else");
  },
};
