import { once } from "node:events";
import { createServer } from "node:net";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { readOpening } from "./client-hello.ts";

/** What a TLS client sends first. */
async function helloFor(servername: string | undefined): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: "127.0.0.1", ...(servername && { servername }) });
  client.on("error", () => {});
  const [socket] = await once(server, "connection");
  const [bytes] = await once(socket, "data");
  client.destroy();
  socket.destroy();
  server.close();
  return bytes as Buffer;
}

const record = (part: Buffer): Buffer =>
  Buffer.concat([Buffer.of(22, 3, 1, part.length >> 8, part.length & 255), part]);

test("the name is read, whole or byte by byte, and in several records", async () => {
  const hello = await helloFor("API.example.com");
  const expected = { kind: "tls", serverName: "api.example.com" };
  expect(readOpening(hello)).toEqual(expected);
  for (let length = 0; length < hello.length; length++)
    expect(readOpening(hello.subarray(0, length))).toEqual({ kind: "incomplete" });
  const body = hello.subarray(5);
  const cut = Buffer.concat([
    record(body.subarray(0, 3)),
    record(body.subarray(3, 90)),
    record(body.subarray(90)),
  ]);
  expect(readOpening(cut)).toEqual(expected);
});

test("a hello without a name has none, and other protocols are other", async () => {
  expect(readOpening(await helloFor(undefined))).toEqual({ kind: "tls", serverName: undefined });
  for (const text of ["GET / HTTP/1.1\r\n", "SSH-2.0-x", "\x16\x02", "\x16\x03\x01\0\0"])
    expect(readOpening(Buffer.from(text, "latin1"))).toEqual({ kind: "other" });
});

/** Numbers that are the same on every run (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("20000 damaged hellos never throw, and never yield a name with other bytes than they hold", async () => {
  const hello = await helloFor("api.example.com");
  const next = random(7);
  for (let round = 0; round < 20_000; round++) {
    const damaged = Buffer.from(hello);
    for (let count = 1 + next() * 4; count > 0; count--)
      damaged[Math.floor(next() * damaged.length)] = Math.floor(next() * 256);
    const opening = readOpening(damaged.subarray(0, Math.floor(next() * damaged.length) + 1));
    expect(["tls", "other", "incomplete"]).toContain(opening.kind);
    if (opening.kind === "tls" && opening.serverName !== undefined)
      expect(damaged.toString("latin1").toLowerCase()).toContain(opening.serverName);
  }
});
