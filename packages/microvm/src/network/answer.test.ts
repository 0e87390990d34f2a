import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOM_BYTES } from "./answer.ts";
import { type Guest, startGuest } from "./testing/channel.ts";
import { type NameServer, startNameServer } from "./testing/name-server.ts";
import { createTestAuthority, LOOPBACK, startServer, type TestServer } from "./testing/servers.ts";

const VALUE = "correct-horse-battery";
const COVERED = "*".repeat(VALUE.length);
let names: NameServer;
let api: TestServer;
let inside: Guest;
const seen: IncomingMessage[] = [];

let said = "";
/** Waits until the sandbox has got something. */
const heard = (text: string): Promise<void> =>
  expect.poll(() => said, { timeout: 20_000 }).toContain(text);

/** Echoes what it was sent, in as many ways as HTTP has. */
const answers: Record<string, (key: string, response: ServerResponse) => unknown> = {
  "/reason": (key, response) => response.writeHead(200, `OK ${key}`).end("fine"),
  "/range": (key, response) =>
    response.writeHead(206, { "content-range": "bytes 0-3/99" }).end(key.slice(0, 4)),
  "/ignored-range": (_key, response) => response.setHeader("accept-ranges", "bytes").end("whole"),
  "/trailer": (key, response) => {
    response.writeHead(200, { trailer: "x-key" });
    response.write("body");
    response.addTrailers({ "x-key": key });
    response.end();
  },
  "/early": (key, response) =>
    response.writeEarlyHints({ link: `<${key}>; rel=preload` }, () => response.end("fine")),
  "/packed": (key, response) =>
    response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(`key ${key}`)),
  "/bomb": (_key, response) =>
    response
      .writeHead(200, { "content-encoding": "gzip" })
      .end(gzipSync(Buffer.alloc(ROOM_BYTES + 1))),
  "/events": async (key, response) => {
    response.flushHeaders();
    await heard("200 OK");
    response.write(`data: ${key} one\n\n`);
    await heard("one");
    response.end("data: two\n\n");
  },
  "/odd": (key, response) => response.writeHead(200, { "content-encoding": "compress" }).end(key),
};

beforeAll(async () => {
  names = await startNameServer({ "api.test": [[LOOPBACK]] });
  const authority = await createTestAuthority();
  api = await startServer(
    (request, response) => {
      seen.push(request);
      answers[request.url!]!(String(request.headers["x-key"]), response);
    },
    await authority.certify("api.test"),
  );
  api.server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
    seen.push(request);
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const value = String(request.headers["x-key"]);
    socket.write(
      `HTTP/1.1 101 ${value}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: ${value}\r\nSec-WebSocket-Accept: ${createHash("sha1").update(key).digest("base64")}\r\n\r\n`,
    );
    const first = request.url === "/packed-frames" ? 0xc1 : 0x81;
    socket.write(Buffer.concat([Buffer.from([first, value.length]), Buffer.from(value)]));
    socket.end(Buffer.from([0x88, 0]));
  });
  inside = await startGuest(
    {
      network: { allowOut: ["api.test", LOOPBACK], denyOut: ["0.0.0.0/0"] },
      secrets: { KEY: { value: VALUE, hosts: ["api.test"] } },
    },
    { dnsServers: [names.address], ca: [authority.ca] },
  );
});
afterAll(async () => {
  for (const each of [inside, names, api]) await each[Symbol.asyncDispose]();
});

async function say(text: string): Promise<string> {
  const { stream } = await inside.ask(api.port, "api.test");
  const ca = inside.gateway.guest.authority!;
  const socket: TLSSocket = connectTls({ socket: stream, servername: "api.test", ca });
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  socket.write(text.replaceAll("\n", "\r\n").replace("KEY", inside.gateway.envs["KEY"]!));
  said = "";
  socket.on("data", (chunk) => (said += String(chunk)));
  // It may be cut.
  await new Promise((resolve) => stream.once("close", resolve));
  return said;
}
const get = (path: string, more = ""): Promise<string> =>
  say(`GET ${path} HTTP/1.1\nHost: api.test\nX-Key: KEY\n${more}Connection: close\n\n`);

const upgrade = (path: string): Promise<string> =>
  say(
    `GET ${path} HTTP/1.1\nHost: api.test\nX-Key: KEY\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\nSec-WebSocket-Extensions: permessage-deflate\n\n`,
  );

test("a secret's host is not heard in the reason phrase, trailers or early hints", async () => {
  expect(await get("/reason")).toMatch(/^HTTP\/1.1 200 OK\r\n/);
  for (const path of ["/reason", "/trailer", "/early"]) {
    const said = await get(path);
    expect(said).toMatch(/fine|body/);
    expect(said).not.toContain(VALUE.slice(0, 4));
    expect(seen.at(-1)!.headers["x-key"]).toBe(VALUE);
  }
});

test("it is not asked for a part, and one that it answers is withheld", async () => {
  const ask = "Range: bytes=0-3\nIf-Range: x\nRequest-Range: bytes=0-3\nA-IM: vcdiff\n";
  const said = await get("/range", ask);
  expect(said).toMatch(
    /^HTTP\/1.1 502 [^]*withholds what api.test answered: it answered with a part/,
  );
  expect(said).not.toContain(VALUE.slice(0, 4));
  expect(Object.keys(seen.at(-1)!.headers)).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/range|a-im/)]),
  );
  expect(await get("/ignored-range", ask)).not.toMatch(/accept-ranges/i);
  expect(inside.gateway.log().refusals).toContainEqual(
    expect.objectContaining({ reason: "api.test: it answered with a part" }),
  );
});

test("what it packs is unpacked whole, or withheld", async () => {
  expect(await get("/packed", "Accept-Encoding: gzip\n")).toMatch(`key ${COVERED}`);
  expect(seen.at(-1)!.headers["accept-encoding"]).toBe("identity");
  expect(await get("/bomb")).toMatch(/^HTTP\/1.1 502 [^]*too long to be unpacked/);
  expect(await get("/odd")).toMatch(/^HTTP\/1.1 502 [^]*packed in a way/);
  // The room that one takes is free again for the next.
  for (let n = 0; n < 3; n++) expect(await get("/bomb")).toContain("502");
  expect(await get("/packed")).toMatch(`key ${COVERED}`);
});

test("its WebSockets have no extensions, and what it says on them is looked through", async () => {
  const said = await upgrade("/socket");
  expect(seen.at(-1)!.headers).not.toHaveProperty("sec-websocket-extensions");
  expect(said).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/);
  expect(said).not.toMatch(/extensions/i);
  expect(said).toMatch(`Sec-WebSocket-Protocol: ${COVERED}`);
  expect(said.slice(said.indexOf("\r\n\r\n"))).toContain(COVERED);
  expect(said).not.toContain(VALUE.slice(0, 4));
  expect(await upgrade("/packed-frames")).not.toContain(VALUE.slice(0, 4));
  expect(inside.gateway.log().refusals).toContainEqual(
    expect.objectContaining({ reason: "api.test: a frame is packed" }),
  );
});

test("its events come as they are sent", async () => {
  expect(await get("/events")).toContain(`data: ${COVERED} one`);
});
