import { randomBytes } from "node:crypto";
import { createServer, request } from "node:http";
import { type Duplex, duplexPair } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { describe, expect, test, vi } from "vitest";
import {
  createFrameParser,
  frame,
  frameKinds,
  HEADER_BYTES,
  INITIAL_WINDOW,
  MAX_PAYLOAD,
  sessionMark,
} from "./frames.ts";
import { Session } from "./session.ts";
import type { ChannelStream } from "./stream.ts";

interface Side {
  readonly session: Session;
  readonly hellos: string[];
  readonly streams: { stream: ChannelStream; port: number; host: string }[];
  readonly broken: Error[];
  readonly frozen: number[];
}

function sideOf(port: Duplex, firstStream: 1 | 2): Side {
  const side: Side = {
    hellos: [],
    streams: [],
    broken: [],
    frozen: [],
    session: new Session({
      port,
      firstStream,
      onHello: (payload) => void side.hellos.push(payload.toString()),
      onStream: (stream, number, name) =>
        side.streams.push({ stream, port: number, host: name }) > 0,
      onFreeze: (payload) => void side.frozen.push(payload[0]!),
      onBroken: (error) => void side.broken.push(error),
    }),
  };
  return side;
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

async function pair(): Promise<{ host: Side; guest: Side; toGuest: Duplex; toHost: Duplex }> {
  const [toGuest, toHost] = duplexPair();
  const host = sideOf(toGuest, 1);
  const guest = sideOf(toHost, 2);
  host.session.hello(Buffer.from("from host"));
  await settle();
  guest.session.hello(Buffer.from("from guest"));
  await settle();
  return { host, guest, toGuest, toHost };
}

test("a host greets at any length, and a guest does not", async () => {
  const { host, guest } = await pair();
  host.session.hello(Buffer.alloc(2_000_000, "x"));
  await settle();
  expect(guest.hellos.at(-1)).toHaveLength(2_000_000);
  guest.session.hello(Buffer.alloc(MAX_PAYLOAD + 1));
  await settle();
  expect(host.broken).toEqual([
    expect.objectContaining({ message: expect.stringContaining("over the limit") as unknown }),
  ]);
});

const read = (bytes: Buffer, size: number): [string, number, string][] => {
  const seen: [string, number, string][] = [];
  const parse = createFrameParser({
    data: (stream, part) => seen.push(["data", stream, part.toString("latin1")]),
    control: (kind, stream, payload) =>
      seen.push([String(kind), stream, payload.toString("latin1")]),
  });
  for (let at = 0; at < bytes.length; at += size) parse(bytes.subarray(at, at + size));
  return seen;
};

describe("the frame parser", () => {
  test.for([1, 2, 3, 7, 10, 1000])("finds the same frames in pieces of %d bytes", (size) => {
    const bytes = Buffer.concat([
      frame(frameKinds.open, 3, Buffer.from("ab")),
      frame(frameKinds.end, 5),
      frame(frameKinds.data, 3, Buffer.from("hello")),
      frame(frameKinds.window, 7, Buffer.alloc(4)),
    ]);
    const seen = read(bytes, size);
    expect(seen.filter(([kind]) => kind !== "data")).toEqual([
      ["1", 3, "ab"],
      ["3", 5, ""],
      ["5", 7, "\0\0\0\0"],
    ]);
    expect(
      seen
        .filter(([kind]) => kind === "data")
        .map(([, , part]) => part)
        .join(""),
    ).toBe("hello");
  });

  test("refuses a frame over the limit before its payload has come", () => {
    const head = frame(frameKinds.data, 1).subarray(0, HEADER_BYTES);
    head.writeUInt32BE(MAX_PAYLOAD + 1, 5);
    expect(() => read(head, 100)).toThrow(/over the limit/);
  });

  test("survives random bytes: it takes them or throws, and never hangs", () => {
    for (let round = 0; round < 2000; round++) {
      try {
        read(randomBytes(1 + (round % 200)), 1 + (round % 13));
      } catch (error) {
        expect((error as Error).message).toMatch(/over the limit/);
      }
    }
  });
});

describe("a session", () => {
  test("discards what an earlier session left in the port", async () => {
    const [toGuest, toHost] = duplexPair();
    const host = sideOf(toGuest, 1);
    toHost.write(frame(frameKinds.data, 9, Buffer.from("stale")));
    toHost.write(sessionMark.subarray(0, 7));
    toHost.write(Buffer.concat([sessionMark, frame(frameKinds.hello, 0, Buffer.from("new"))]));
    await settle();
    expect(host.hellos).toEqual(["new"]);
    expect(host.broken).toEqual([]);
  });

  test("carries HTTP in both directions, many requests at once, binary-safe", async () => {
    const { host, guest } = await pair();
    const server = createServer(async (incoming, outgoing) => outgoing.end(await buffer(incoming)));
    const body = randomBytes(3_000_000);
    const call = (): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        const outgoing = request(
          "http://guest/",
          { method: "POST", createConnection: () => host.session.open(80) as never },
          (incoming) => resolve(buffer(incoming)),
        );
        outgoing.on("error", reject).end(body);
      });
    const calls = [call(), call(), call()];
    await settle();
    for (const { stream, port } of guest.streams) {
      expect(port).toBe(80);
      server.emit("connection", stream);
    }
    for (const answer of await Promise.all(calls)) expect(answer.equals(body)).toBe(true);
  });

  test("stops a sender whose receiver does not read", async () => {
    const { host, guest } = await pair();
    const stream = host.session.open(1);
    await settle();
    stream.write(Buffer.alloc(10 * INITIAL_WINDOW));
    await settle();
    const received = guest.streams[0]!.stream;
    expect(received.readableLength).toBeLessThanOrEqual(INITIAL_WINDOW);
    stream.end();
    expect((await buffer(received)).length).toBe(10 * INITIAL_WINDOW);
  });

  test("ends each direction of a stream by itself", async () => {
    const { host, guest } = await pair();
    const stream = host.session.open(1);
    stream.end("question");
    await settle();
    const { stream: other } = guest.streams[0]!;
    // Before Node 24, reading one direction to its end would end the other as well.
    expect(await text(other.iterator({ destroyOnReturn: false }))).toBe("question");
    other.end("answer");
    expect(await text(stream)).toBe("answer");
  });

  test("a stream that is refused or dropped ends on the other side", async () => {
    const { host, guest } = await pair();
    const stream = host.session.open(1);
    await settle();
    guest.streams[0]!.stream.destroy();
    await new Promise((resolve) => stream.once("close", resolve));
    expect(stream.destroyed).toBe(true);
  });

  test("holds still, and goes on with its streams", async () => {
    const { host, guest, toGuest, toHost } = await pair();
    const stream = host.session.open(1);
    await settle();
    const other = guest.streams[0]!.stream;
    host.session.hold(3);
    await settle();
    expect(guest.frozen).toEqual([3]);
    guest.session.hold();
    await settle();
    expect(host.frozen).toEqual([0]);
    // Neither side writes while the session is held.
    const written = [toGuest, toHost].map((port) => vi.spyOn(port, "write"));
    stream.write("question");
    other.write("answer");
    host.session.open(2).write("later");
    await settle();
    for (const spy of written) expect(spy).not.toHaveBeenCalled();
    host.session.thaw(Buffer.from("missed"));
    await settle();
    expect(String(other.read())).toBe("question");
    expect(String(stream.read())).toBe("answer");
    expect(String(guest.streams[1]!.stream.read())).toBe("later");
    expect([...host.broken, ...guest.broken]).toEqual([]);
  });

  test("that was held begins anew in a copy of the machine", async () => {
    const { host, guest, toGuest } = await pair();
    host.session.open(1);
    await settle();
    host.session.hold();
    await settle();
    guest.session.hold();
    guest.streams[0]!.stream.write("never sent");
    await settle();
    // The copy's host knows nothing of the session.
    toGuest.removeAllListeners("data");
    const other = sideOf(toGuest, 1);
    other.session.hello(Buffer.from("again"));
    await settle();
    expect(guest.streams[0]!.stream.destroyed).toBe(true);
    guest.session.hello(Buffer.from("welcome"));
    await settle();
    expect(guest.hellos).toEqual(["from host", "again"]);
    expect(other.hellos).toEqual(["welcome"]);
    expect(other.broken).toEqual([]);
    const anew = other.session.open(2);
    anew.end("works");
    await settle();
    expect(await text(guest.streams.at(-1)!.stream)).toBe("works");
  });
});

describe("a hostile other side", () => {
  const attacks: [string, Buffer][] = [
    ["an unknown kind", frame(99, 1)],
    ["a stream that it may not open", frame(frameKinds.open, 3, Buffer.alloc(2))],
    ["an open without a port", frame(frameKinds.open, 2)],
    ["a window frame without a size", frame(frameKinds.window, 1)],
    [
      "a grant beyond reason",
      Buffer.concat([
        frame(frameKinds.window, 1, Buffer.from("7fffffff", "hex")),
        frame(frameKinds.window, 1, Buffer.from("7fffffff", "hex")),
      ]),
    ],
    [
      "more data than was granted",
      Buffer.concat(
        Array.from({ length: INITIAL_WINDOW / MAX_PAYLOAD + 1 }, () =>
          frame(frameKinds.data, 1, Buffer.alloc(MAX_PAYLOAD)),
        ),
      ),
    ],
  ];
  test.for(attacks)("%s ends the session, and nothing else", async ([, bytes]) => {
    const { host, toHost } = await pair();
    host.session.open(1);
    toHost.write(bytes);
    await settle();
    expect(host.broken).toHaveLength(1);
    expect(() => host.session.open(1)).toThrow();
  });

  test("streams without end are refused beyond a number", async () => {
    const { host, toHost } = await pair();
    for (let id = 2; id < 6000; id += 2) toHost.write(frame(frameKinds.open, id, Buffer.alloc(2)));
    await settle();
    expect(host.streams.length).toBeLessThanOrEqual(1024);
    expect(host.broken).toEqual([]);
  });

  test("data for streams that are not there is thrown away", async () => {
    const { host, toHost } = await pair();
    for (let round = 0; round < 100; round++)
      toHost.write(frame(frameKinds.data, 4_000_000_000, Buffer.alloc(MAX_PAYLOAD)));
    await settle();
    expect(host.broken).toEqual([]);
  });
});

describe("streams that the guest opens", () => {
  test("name a host and its port", async () => {
    const { host, guest } = await pair();
    guest.session.open(443, "api.example.com").end("hello");
    await settle();
    expect(host.streams).toMatchObject([{ port: 443, host: "api.example.com" }]);
    expect(await text(host.streams[0]!.stream)).toBe("hello");
  });

  test("break the session when the name is too long", async () => {
    const { host, guest } = await pair();
    guest.session.open(443, "a".repeat(254));
    await settle();
    expect(host.broken[0]?.message).toBe("a stream was opened wrongly");
  });

  test("keep what came before the end when the other side closes at once", async () => {
    const { host, guest } = await pair();
    const stream = guest.session.open(443, "a.test");
    await settle();
    const other = host.streams[0]!.stream;
    other.end("all of it", () => other.destroy());
    await settle();
    expect(await text(stream)).toBe("all of it");
    await settle();
    expect(stream.destroyed).toBe(true);
  });
});
