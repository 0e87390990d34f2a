import { Redactor } from "../../../packages/microvm/src/network/redact.ts";
import { createTraces } from "../../../packages/microvm/src/network/traces.ts";
import { check, inPieces, type Target } from "../target.ts";

const secrets = ["secret-value", "ret-value-2", "aaaa", "aaab"].map((text) => Buffer.from(text));
const traces = createTraces(secrets, 16);

/** Answers of a host that was sent a secret: it is not in what goes on, wherever they are cut. */
export const target: Target = {
  refuses: () => false,
  words: [...secrets, "aaa", "\n"],
  async run(input) {
    const { bytes, pieces } = inPieces(input);
    const redactor = new Redactor(traces);
    const parts: Buffer[] = [];
    redactor.on("data", (part: Buffer) => parts.push(part));
    for (const piece of pieces) redactor.write(piece);
    await new Promise((resolve) => redactor.once("end", resolve).end());
    const passed = Buffer.concat(parts);
    check(passed.length === bytes.length, "another number of bytes goes on");
    for (const secret of secrets) check(!passed.includes(secret), `${secret} goes on`);
    for (const [at, byte] of passed.entries())
      check(byte === bytes[at] || byte === 0x2a, "another byte goes on");
  },
};
