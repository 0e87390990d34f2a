import { OpeningReader, readOpening } from "../../../packages/microvm/src/network/client-hello.ts";
import { check, inPieces, type Target } from "../target.ts";

/** The beginning of a TLS connection: cut however, it is the same, and more bytes change nothing that was decided. */
export const target: Target = {
  refuses: () => false,
  maxBytes: 65_536,
  run(input) {
    const { bytes, pieces } = inPieces(input);
    const whole = readOpening(bytes);
    const name = whole.kind === "tls" ? whole.serverName : undefined;
    check((name ?? "").length <= bytes.length, "a name that is longer than all");
    const reader = new OpeningReader();
    let last = readOpening(Buffer.alloc(0));
    for (const piece of pieces) {
      if (last.kind !== "incomplete") break;
      last = reader.push(piece);
    }
    check(JSON.stringify(last) === JSON.stringify(whole), "cut in pieces it is another");
    const part = readOpening(bytes.subarray(0, bytes.length >> 1));
    if (part.kind !== "incomplete")
      check(JSON.stringify(part) === JSON.stringify(whole), "more bytes changed what was decided");
  },
};
