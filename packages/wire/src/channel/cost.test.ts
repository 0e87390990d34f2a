import { Duplex } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { frame, frameKinds, INITIAL_WINDOW, MAX_PAYLOAD, sessionMark } from "./frames.ts";
import { HeldBytes } from "./held-bytes.ts";
import { MAX_KEPT, Session } from "./session.ts";
import type { ChannelStream } from "./stream.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const kept = (): number => {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};
const MiB = 1024 * 1024;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Host {
  readonly session: Session;
  readonly port: Duplex;
  readonly streams: ChannelStream[];
  readonly broken: Error[];
}

/** The host's side, with a port that accepts what is written to it, or nothing. */
function hostOf(takes = true): Host {
  const port = new Duplex({
    read() {},
    write: (_chunk, _encoding, done) => void (takes && done()),
  });
  const streams: ChannelStream[] = [];
  const broken: Error[] = [];
  const session = new Session({
    port,
    firstStream: 1,
    onHello: () => {},
    onStream: (stream) => streams.push(stream) > 0,
    onBroken: (error) => void broken.push(error),
  });
  port.push(Buffer.from(sessionMark));
  return { session, port, streams, broken };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Hands the port fresh chunks as the kernel does, and waits until they are read. */
async function say(port: Duplex, chunks: Iterable<Buffer>): Promise<void> {
  for (const chunk of chunks) {
    port.push(Buffer.from(chunk));
    await turn();
    if (port.readableLength > 0) await until(() => port.readableLength === 0);
  }
}

test("small parts keep no more than themselves, however much came with them", async () => {
  const { session, port, broken } = hostOf();
  const stream = session.open(80);
  await turn();
  const nonsense = frame(frameKinds.data, 4_000_000_000, Buffer.alloc(MAX_PAYLOAD - 100));
  const chunk = Buffer.concat([frame(frameKinds.data, 1, Buffer.of(65)), nonsense]);
  const before = kept();
  await say(port, Array(2000).fill(chunk) as Buffer[]);
  // What was released is freed in the background.
  await expect.poll(() => kept() - before).toBeLessThan(4 * MiB);
  expect(broken).toEqual([]);
  expect(session.received.frames.data).toBe(4000);
  let text = "";
  stream.setEncoding("latin1").on("data", (piece: string) => (text += piece));
  await until(() => text.length === 2000);
  expect(text).toBe("A".repeat(2000));
});

test("a window of one-byte frames costs about what its bytes do", async () => {
  const { session, port } = hostOf();
  const stream = session.open(80);
  stream.pause();
  await turn();
  const before = kept();
  const bytes = frame(frameKinds.data, 1, Buffer.of(65));
  const chunk = Buffer.concat(Array(4096).fill(bytes) as Buffer[]);
  await say(port, Array(INITIAL_WINDOW / 4096).fill(chunk) as Buffer[]);
  expect(stream.bytesReceived).toBe(INITIAL_WINDOW);
  await expect.poll(() => kept() - before).toBeLessThan(INITIAL_WINDOW + MiB);
});

test("what all streams keep together has a limit, which costs the stream that goes over it", async () => {
  const { session, port, streams, broken } = hostOf();
  await turn();
  const count = MAX_KEPT / INITIAL_WINDOW + 20;
  const data = Buffer.alloc(MAX_PAYLOAD, 65);
  for (let index = 0; index < count; index++) {
    const id = 2 + 2 * index;
    await say(port, [
      frame(frameKinds.open, id, Buffer.alloc(2)),
      ...(Array(INITIAL_WINDOW / MAX_PAYLOAD).fill(frame(frameKinds.data, id, data)) as Buffer[]),
    ]);
  }
  expect(broken).toEqual([]);
  expect(streams.filter(({ destroyed }) => destroyed)).toHaveLength(20);
  for (const stream of streams) stream.resume();
  await until(() => streams.every(({ readableLength }) => readableLength === 0));
  // Reading makes room again.
  const anew = 2 + 2 * count;
  await say(port, [
    frame(frameKinds.open, anew, Buffer.alloc(2)),
    frame(frameKinds.data, anew, data),
  ]);
  expect(streams.at(-1)!.destroyed).toBe(false);
  expect(session.received.frames.open).toBe(count + 1);
});

test("a flood of frames leaves the event loop to others in between", async () => {
  const noise = Buffer.concat(Array(7000).fill(frame(frameKinds.end, 99)) as Buffer[]);
  let reads = 0;
  // A port that always has more: without a pause, nobody else would ever get a turn.
  const port = new Duplex({
    read() {
      this.push(reads++ === 0 ? sessionMark : noise);
    },
    write: (_chunk, _encoding, done) => done(),
  });
  const session = new Session({
    port,
    firstStream: 1,
    onHello: () => {},
    onStream: () => false,
    onBroken: () => {},
  });
  for (let turns = 0; turns < 20; turns++) await turn();
  expect(session.received.frames.end).toBeGreaterThan(0);
  port.destroy();
});

test("a guest that asks for answers and reads none is given up", async () => {
  const { session, port, broken } = hostOf(false);
  for (let id = 2; id < 300_000; id += 2) port.push(frame(frameKinds.open, id, Buffer.alloc(2)));
  await until(() => broken.length > 0);
  expect(broken[0]?.message).toBe("the other side stopped reading");
  expect(session.received.frames.open).toBeLessThan(80_000);
});

test("held bytes come out as they went in", () => {
  const held = new HeldBytes();
  const said = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7919) % 251));
  let at = 0;
  for (const size of [1, 3, 1024, 20_000, 5, 16_384, 70_000, 1, 1]) {
    held.push(said.subarray(at, at + size));
    at += size;
  }
  expect(held.length).toBe(at);
  const pieces: Buffer[] = [];
  for (let piece = held.shift(5000); piece; piece = held.shift(5000)) pieces.push(piece);
  expect(Buffer.concat(pieces).equals(said.subarray(0, at))).toBe(true);
  expect(pieces.every(({ length }) => length <= 5000)).toBe(true);
  expect(held.length).toBe(0);
});
