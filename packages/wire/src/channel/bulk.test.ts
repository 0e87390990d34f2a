import { randomBytes } from "node:crypto";
import { Duplex, duplexPair } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Bulk, BULK_BYTES, BULK_SIZE, BULK_SLOTS, slotOffset } from "./bulk.ts";
import { frame, frameKinds, sessionMark } from "./frames.ts";
import { Session } from "./session.ts";
import type { ChannelStream } from "./stream.ts";

interface CountedBulk extends Bulk {
  puts: number;
  takes: number;
  isFull: boolean;
}

/** One side's view of memory that both sides have. */
function bulkOn(shared: Buffer, own: 1 | 2): CountedBulk {
  return {
    ...{ puts: 0, takes: 0, isFull: false },
    put(slot, data) {
      if (this.isFull) return false;
      this.puts++;
      shared.set(data, slotOffset(own, slot));
      return true;
    },
    take(slot, bytes) {
      this.takes++;
      const at = slotOffset(own === 1 ? 2 : 1, slot);
      return Buffer.from(shared.subarray(at, at + bytes));
    },
  };
}

async function pair(): Promise<{
  host: { session: Session; bulk: CountedBulk };
  guest: { streams: ChannelStream[]; bulk: CountedBulk };
  broken: Error[];
}> {
  const shared = Buffer.alloc(BULK_SIZE);
  const [toGuest, toHost] = duplexPair();
  const broken: Error[] = [];
  const streams: ChannelStream[] = [];
  const [hostBulk, guestBulk] = [bulkOn(shared, 1), bulkOn(shared, 2)];
  const common = { onHello: () => {}, onBroken: (error: Error) => void broken.push(error) };
  const host = new Session({
    ...common,
    ...{ port: toGuest, bulk: hostBulk, firstStream: 1, onStream: () => false },
  });
  const guest = new Session({
    ...common,
    ...{ port: toHost, bulk: guestBulk, firstStream: 2 },
    onStream: (stream) => streams.push(stream) > 0,
  });
  host.hello(Buffer.from("{}"));
  await turn();
  guest.hello(Buffer.from("{}"));
  await turn();
  return {
    host: { session: host, bulk: hostBulk },
    guest: { streams, bulk: guestBulk },
    broken,
  };
}

test("what is large goes through slots, many times over, in order with what is small, both ways", async () => {
  const { host, guest, broken } = await pair();
  const sent = randomBytes(3 * BULK_SIZE + 123);
  const stream = host.session.open(80);
  await turn();
  guest.streams[0]!.pipe(guest.streams[0]!);
  for (let at = 0, piece = 1; at < sent.length; at += piece, piece = (piece * 7) % 700_001)
    stream.write(sent.subarray(at, at + piece));
  stream.end();
  expect((await buffer(stream)).equals(sent)).toBe(true);
  for (const { puts, takes } of [host.bulk, guest.bulk]) {
    expect(puts).toBeGreaterThan(2 * BULK_SLOTS);
    expect(takes).toBeGreaterThan(2 * BULK_SLOTS);
  }
  expect(broken).toEqual([]);
});

test("where nothing can be stored, everything goes through the port", async () => {
  const { host, guest, broken } = await pair();
  guest.bulk.isFull = true;
  host.bulk.isFull = true;
  const sent = randomBytes(5_000_000);
  const stream = host.session.open(80);
  await turn();
  guest.streams[0]!.pipe(guest.streams[0]!);
  stream.end(sent);
  expect((await buffer(stream)).equals(sent)).toBe(true);
  expect(guest.bulk.puts + host.bulk.puts + guest.bulk.takes + host.bulk.takes).toBe(0);
  expect(broken).toEqual([]);
});

/** The host's side, and a guest that says what it wants. */
function hostile(): { bulk: CountedBulk; session: Session; broken: Error[]; port: Duplex } {
  const port = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const broken: Error[] = [];
  const bulk = bulkOn(Buffer.alloc(BULK_SIZE), 1);
  const session = new Session({
    ...{ port, bulk, firstStream: 1, onHello: () => {}, onStream: () => false },
    onBroken: (error) => void broken.push(error),
  });
  port.push(sessionMark);
  return { bulk, session, broken, port };
}

const bulkFrame = (stream: number, slot: number, bytes: number): Buffer => {
  const payload = Buffer.of(slot, 0, 0, 0, 0);
  payload.writeUInt32BE(bytes, 1);
  return frame(frameKinds.bulk, stream, payload);
};

test.each([
  ["a slot that there is not", bulkFrame(1, BULK_SLOTS, 10)],
  ["more than a slot holds", bulkFrame(1, 0, BULK_BYTES + 1)],
  ["nothing", bulkFrame(1, 0, 0)],
  ["half a payload", frame(frameKinds.bulk, 1, Buffer.of(0, 0))],
  ["the end of a slot that is not in use", frame(frameKinds.taken, 0, Buffer.of(0))],
  ["the end of no slot", frame(frameKinds.taken, 0)],
  [
    "more than was granted",
    Buffer.concat(Array.from({ length: 2 * BULK_SLOTS }, () => bulkFrame(1, 0, BULK_BYTES))),
  ],
])("a guest that announces %s breaks its session", async (_what, said) => {
  const { session, broken, port } = hostile();
  session.open(80);
  port.push(said);
  await turn();
  expect(broken).toHaveLength(1);
});

test("what nobody waits for is not copied", async () => {
  const { bulk, broken, port } = hostile();
  for (let count = 0; count < 1000; count++) port.push(bulkFrame(7, 0, BULK_BYTES));
  await turn();
  expect(bulk.takes).toBe(0);
  expect(broken).toEqual([]);
});
