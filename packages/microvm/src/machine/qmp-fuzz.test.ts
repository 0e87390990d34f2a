import { duplexPair } from "node:stream";
import { expect, test } from "vitest";
import { connectQmp } from "./qmp.ts";

/** How many hostile QEMUs to listen to; the number of each decides what it says. */
const TALKS = 5000;
const WORDS = [
  ...['{"return":', '{"error":', '{"event":', '"desc":', "{}", "[]", "null", "1e999", '"\\u0000"'],
  ...[
    "}",
    "]",
    ",",
    "\n",
    "\n\n",
    '"',
    "\\",
    "[".repeat(5000),
    "x".repeat(70_000),
    "\u2028",
    "true",
  ],
  ...[
    '{"return":{}}\n',
    '{"event":"STOP"}\n',
    '{"error":{"class":"x","desc":"no"}}\n',
    '{"error":1}\n',
  ],
];

function pick(seed: number, below: number): number {
  let t = Math.imul(seed + 0x9e3779b9, 0x85ebca6b);
  t = Math.imul(t ^ (t >>> 13), 0xc2b2ae35);
  return ((t ^ (t >>> 16)) >>> 0) % below;
}

test(`after each of ${TALKS} hostile talks, every command has been answered or rejected`, async () => {
  for (let seed = 0; seed < TALKS; seed++) {
    const [ours, theirs] = duplexPair();
    const qmp = connectQmp(ours);
    qmp.on(() => {});
    const commands = Array.from({ length: 3 }, () => qmp.command("stop"));
    for (let word = pick(seed, 12); word >= 0; word--)
      theirs.write(WORDS[pick(seed * 31 + word, WORDS.length)]!);
    theirs.end();
    const ends = await Promise.allSettled(commands);
    for (const end of ends)
      if (end.status === "rejected") expect(end.reason, `talk ${seed}`).toBeInstanceOf(Error);
  }
});
