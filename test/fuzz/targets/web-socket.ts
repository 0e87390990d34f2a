import { createTraces } from "../../../packages/microvm/src/network/traces.ts";
import { MessageRedactor } from "../../../packages/microvm/src/network/web-socket.ts";
import { check, inPieces, type Target } from "../target.ts";

const secret = Buffer.from("secret-value");
const traces = createTraces([secret], 16);

/** Messages of a server that was sent a secret, over a WebSocket. */
export const target: Target = {
  refuses: (error) =>
    error instanceof Error && /^a (frame is|server's frame|message is)/.test(error.message),
  words: [secret, Buffer.of(0x81, 12), Buffer.of(0x01, 5), Buffer.of(0x80, 7), Buffer.of(0x89, 0)],
  async run(input) {
    const { bytes, pieces } = inPieces(input);
    const redactor = new MessageRedactor(traces);
    const parts: Buffer[] = [];
    redactor.on("data", (part: Buffer) => parts.push(part));
    const ended = new Promise<void>((resolve, reject) => {
      redactor.once("end", resolve).once("error", reject);
    });
    for (const piece of pieces) if (!redactor.destroyed) redactor.write(piece);
    redactor.end();
    try {
      await ended;
    } finally {
      check(Buffer.concat(parts).length <= bytes.length, "more goes on than came");
    }
    for (const message of messages(Buffer.concat(parts)))
      check(!message.includes(secret), "the secret goes on");
  },
};

/** What is said in frames that are whole; what stands between others is by itself. */
function messages(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  const message: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const short = bytes[at + 1]! & 0x7f;
    const head = short === 127 ? 10 : short === 126 ? 4 : 2;
    const size =
      head === 2 ? short : head === 4 ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 6);
    const payload = bytes.subarray(at + head, at + head + size);
    if ((bytes[at]! & 0x08) !== 0) found.push(payload);
    else message.push(payload);
    if ((bytes[at]! & 0x88) === 0x80) found.push(Buffer.concat(message.splice(0)));
    at += head + size;
  }
  return found;
}
