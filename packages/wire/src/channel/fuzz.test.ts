import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { frame, frameKinds, HEADER_BYTES, INITIAL_WINDOW, sessionMark } from "./frames.ts";
import { Session } from "./session.ts";
import type { ChannelStream } from "./stream.ts";

/** How many hostile conversations the host's side is given; each is made from its number, which a failure names. */
const CONVERSATIONS = 20_000;
/** Numbers whose conversations once did harm; they are always tried again. */
const KEPT: readonly number[] = [178];

/** Mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;
const bytes = (random: Random, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => random(256)));

/** Frames that are nearly right: existing kinds, streams and sizes, with payloads cut, stretched or reversed. */
function conversation(random: Random): Buffer {
  const parts: Buffer[] = random(10) === 0 ? [bytes(random, random(40))] : [];
  parts.push(random(20) === 0 ? sessionMark.subarray(0, random(16)) : sessionMark);
  for (let count = random(12); count > 0; count--) {
    const sizes = [0, 1, 2, 4, 5, 9, random(300)];
    const one = frame(random(11), random(8), bytes(random, sizes[random(sizes.length)]!));
    // A slot and a length that there may be.
    if (one[0] === frameKinds.bulk && random(2) === 0) one.fill(0, HEADER_BYTES, one.length - 1);
    if (random(8) === 0) one[random(one.length)] = random(256);
    if (random(30) === 0) one.writeUInt32BE([0, 65_536, 65_537, 2 ** 32 - 1][random(4)]!, 5);
    parts.push(random(40) === 0 ? one.subarray(0, random(one.length)) : one);
  }
  return Buffer.concat(parts);
}

/** A port that delivers what it is told to, and accepts everything. */
function portOf(): Duplex {
  return new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
}

async function hold(seed: number): Promise<void> {
  const random = randomFrom(seed);
  const port = portOf();
  const broken: Error[] = [];
  const streams: ChannelStream[] = [];
  let busy = 0;
  const session = new Session({
    port,
    bulk: { put: (slot) => slot % 2 === 0, take: (_slot, bytes) => Buffer.alloc(bytes) },
    firstStream: 1,
    onHello: (payload) => void payload.toString(),
    onStream: (stream) => random(2) === 0 && streams.push(stream) > 0,
    onBusy: () => busy++,
    onBroken: (error) => void broken.push(error),
  });
  session.hello(Buffer.from("{}"));
  for (let count = random(3); count > 0; count--) streams.push(session.open(80));
  const said = conversation(random);
  // However the bytes are split, one parser makes the same of them.
  for (let at = 0; at < said.length;) {
    const length = 1 + random(60);
    port.push(said.subarray(at, at + length));
    at += length;
  }
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(broken.length).toBeLessThanOrEqual(1);
  for (const stream of streams) expect(stream.readableLength).toBeLessThanOrEqual(INITIAL_WINDOW);
  port.destroy();
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(broken.length).toBe(1);
  expect(streams.every((stream) => stream.destroyed)).toBe(true);
}

test(
  `${CONVERSATIONS} hostile conversations break a session at most, and once`,
  { timeout: 120_000 },
  async () => {
    const seeds = [...KEPT, ...Array.from({ length: CONVERSATIONS }, (_, seed) => seed)];
    const unexpected: unknown[] = [];
    const note = (error: unknown): void => void unexpected.push(error);
    process.on("uncaughtException", note);
    try {
      for (const seed of seeds) {
        try {
          await hold(seed);
        } catch (error) {
          throw new Error(`conversation ${seed}`, { cause: error });
        }
        if (unexpected.length > 0)
          throw new Error(`conversation ${seed}`, { cause: unexpected[0] });
      }
    } finally {
      process.off("uncaughtException", note);
    }
  },
);
