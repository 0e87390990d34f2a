import { once } from "node:events";
import { createServer as createHttp, type ServerResponse } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { ChannelStream } from "@emberbox/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Guest, startGuest } from "./testing/channel.ts";
import { type NameServer, startNameServer } from "./testing/name-server.ts";
import {
  createTestAuthority,
  LOOPBACK,
  startServer,
  type TestAuthority,
  type TestServer,
} from "./testing/servers.ts";

let names: NameServer;
let authority: TestAuthority;
let api: TestServer;
let echo: { port: number; sockets: Set<Socket>; close(): void };
const seen: Record<string, string | string[] | undefined>[] = [];
/** An answer that has begun. */
let held: ServerResponse | undefined;
const VALUE = "real-value/of+the=secret";

const PLAIN = "127.0.0.80";
const many = Array.from({ length: 300 }, (_each, index) => `n${index}.api.test`);

beforeAll(async () => {
  names = await startNameServer({
    "api.test": [[LOOPBACK]],
    "cdn.test": [["cname:edge.test"]],
    "other.test": [[LOOPBACK]],
    "rebind.test": [["8.8.8.8"], [LOOPBACK]],
    "private.test": [["10.0.0.7"]],
    "mapped.test": [["::ffff:10.0.0.7"]],
    "six.test": [["fd00::7", "fe80::7", "::1"]],
    "mixed.test": [["10.0.0.7", LOOPBACK]],
    "empty.test": [[]],
    "plain.test": [[PLAIN]],
    ...Object.fromEntries(many.map((name) => [name, [[LOOPBACK]]])),
  });
  authority = await createTestAuthority();
  api = await startServer(
    (request, response) => {
      seen.push(request.headers);
      if (request.url === "/echo") {
        const text = JSON.stringify({ ...request.headers, url: encodeURIComponent(VALUE) });
        response.setHeader("x-back", request.headers.authorization ?? "none");
        response.setHeader("content-length", text.length);
        // In two parts, so that what must not pass is cut in the middle.
        response.write(text.slice(0, text.indexOf("real-value") + 6));
        setTimeout(() => response.end(text.slice(text.indexOf("real-value") + 6)), 20);
      } else if (request.url === "/events") {
        held = response;
        response.writeHead(200, { "Content-Type": "text/event-stream", "X-Own": "\u00e9" });
        response.write(Buffer.alloc(0));
      } else response.end("fine");
    },
    await authority.certify("api.test", "other.test"),
  );
  const sockets: Set<Socket> = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.pipe(socket);
  }).listen(0, LOOPBACK);
  await once(server, "listening");
  echo = { port: (server.address() as AddressInfo).port, sockets, close: () => server.close() };
});
afterAll(async () => {
  await names[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  echo.close();
});

const guest = (options: Parameters<typeof startGuest>[0] = {}): Promise<Guest> =>
  startGuest(options, { dnsServers: [names.address], ca: [authority.ca] });
const only = (...allowOut: string[]): { network: { allowOut: string[]; denyOut: string[] } } => ({
  network: { allowOut, denyOut: ["0.0.0.0/0"] },
});

async function talk(stream: ChannelStream, text: string): Promise<string> {
  stream.resume().write(text);
  const [said] = (await once(stream, "data")) as [Buffer];
  return said.toString();
}

async function tls(stream: ChannelStream, servername: string, ca: string): Promise<TLSSocket> {
  const socket = connectTls({ socket: stream, servername, ca });
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  return socket;
}

async function get(
  socket: TLSSocket | ChannelStream,
  path: string,
  headers: Record<string, string>,
): Promise<string> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}Connection: close\r\n\r\n`);
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

describe("what resolves to an address that is not public is refused", () => {
  test.each([
    ...["private.test", "mapped.test", "six.test", "rebind2.test", "localhost"],
    ...["10.0.0.7", "::ffff:10.0.0.7", "169.254.169.254", "::1", LOOPBACK],
    ...["0x7f.1", "2130706433", "127.1", "[::1]", "a b", "", "x".repeat(253), "a\n.test"],
  ])("%j", async (host) => {
    await using inside = await guest();
    const { answer } = await inside.ask(echo.port, host);
    expect(["refused", "notFound"]).toContain(answer);
    expect(echo.sockets.size).toBe(0);
  });

  test("a name that changes its address between the check and the connection", async () => {
    await using inside = await guest();
    expect((await inside.ask(0, "rebind.test")).answer).toBe("connected");
    await sleep(5100);
    expect((await inside.ask(echo.port, "rebind.test")).answer).toBe("refused");
    expect(inside.events.at(-1)).toMatchObject({
      decision: "refused",
      reason: expect.stringMatching(/loopback/),
    });
    expect(echo.sockets.size).toBe(0);
  }, 20_000);

  test("only the good address of several is dialled, and a name alone does not make one good", async () => {
    await using inside = await guest(only("mixed.test"));
    expect((await inside.ask(echo.port, "mixed.test")).answer).toBe("refused");
    await using named = await guest(only("mixed.test", LOOPBACK));
    expect((await named.ask(echo.port, "mixed.test")).answer).toBe("connected");
    expect(named.events.at(-1)).toMatchObject({
      decision: "allowed",
      address: LOOPBACK,
      host: "mixed.test",
    });
  });
});

test("a name that is refused is not even asked for", async () => {
  await using inside = await guest(only("api.test"));
  const before = names.asked.length;
  expect((await inside.ask(0, "leak.other.test")).answer).toBe("explained");
  expect((await inside.ask(echo.port, "other.test")).answer).toBe("refused");
  expect(names.asked.length).toBe(before);
  await using off = await guest({ network: false });
  expect((await off.ask(0, "api.test")).answer).toBe("explained");
  expect((await off.ask(443, "8.8.8.8")).answer).toBe("refused");
  expect(names.asked.length).toBe(before);
});

test("names that do not exist or have no address are not found", async () => {
  await using inside = await guest();
  expect((await inside.ask(0, "nowhere.test")).answer).toBe("notFound");
  expect((await inside.ask(0, "empty.test")).answer).toBe("notFound");
});

test("bytes are carried, counted, and cut when the policy changes", async () => {
  await using inside = await guest(only(LOOPBACK));
  const { stream, answer } = await inside.ask(echo.port, LOOPBACK);
  expect(answer).toBe("connected");
  expect(await talk(stream, "hello")).toBe("hello");
  expect(inside.gateway.log()).toMatchObject({
    allowed: 1,
    refused: 0,
    open: 1,
    bytesSent: 5,
    bytesReceived: 6,
  });
  inside.gateway.update(false);
  await expect.poll(() => stream.closed).toBe(true);
  expect(inside.gateway.log()).toMatchObject({
    open: 0,
    refused: 1,
    refusals: [{ host: LOOPBACK, port: echo.port, reason: "the network is off" }],
  });
  await expect.poll(() => echo.sockets.size).toBe(0);
  expect((await inside.ask(echo.port, LOOPBACK)).answer).toBe("refused");
});

test("a connection that stays allowed lives on", async () => {
  await using inside = await guest(only(LOOPBACK));
  const { stream } = await inside.ask(echo.port, LOOPBACK);
  inside.gateway.update({ allowOut: ["127.0.0.0/8"], denyOut: ["0.0.0.0/0"] });
  expect(await talk(stream, "still")).toBe("still");
});

test("nobody there is unreachable, and a closed connection closes", async () => {
  await using inside = await guest(only(LOOPBACK));
  expect((await inside.ask(1, LOOPBACK)).answer).toBe("unreachable");
  const { stream } = await inside.ask(echo.port, LOOPBACK);
  await expect.poll(() => echo.sockets.size).toBeGreaterThan(0);
  stream.resume();
  for (const socket of echo.sockets) socket.resetAndDestroy();
  await expect.poll(() => stream.closed).toBe(true);
});

test("too many connections and too many questions are refused, and it works again later", async () => {
  await using inside = await guest(only(LOOPBACK));
  const asked = await Promise.all(Array.from({ length: 600 }, () => inside.ask(0, "api.test")));
  expect(asked.filter(({ answer }) => answer === "closed").length).toBeGreaterThan(200);
  await sleep(1000);
  expect((await inside.ask(echo.port, LOOPBACK)).answer).toBe("connected");
}, 20_000);

describe("what is said on a connection must be for the name that was allowed", () => {
  test("TLS for another name is cut", async () => {
    await using inside = await guest(only("api.test", "other.test", LOOPBACK));
    const { stream } = await inside.ask(api.port, "api.test");
    await expect(tls(stream, "other.test", authority.ca)).rejects.toThrow();
    expect(inside.events.at(-1)).toMatchObject({
      decision: "refused",
      reason: expect.stringMatching(/TLS is for other.test/),
    });
  });

  test("TLS for the name passes unread", async () => {
    await using inside = await guest(only("api.test", LOOPBACK));
    const { stream } = await inside.ask(api.port, "api.test");
    const socket = await tls(stream, "api.test", authority.ca);
    expect(await get(socket, "/", { Host: "api.test" })).toContain("fine");
  });

  test("a server that speaks first is not waited for", async () => {
    const greeter = createServer((socket) => void socket.write("220 hello\r\n")).listen(
      0,
      LOOPBACK,
    );
    await once(greeter, "listening");
    await using inside = await guest(only("api.test", LOOPBACK));
    const { stream } = await inside.ask((greeter.address() as AddressInfo).port, "api.test");
    const [said] = (await once(stream.resume(), "data")) as [Buffer];
    expect(said.toString()).toBe("220 hello\r\n");
    greeter.close();
  });

  test("refused names are told why, over TLS that the sandbox trusts", async () => {
    await using inside = await guest(only("api.test"));
    const { stream } = await inside.ask(443, "forbidden.test");
    const socket = await tls(stream, "forbidden.test", inside.gateway.guest.authority!);
    expect(await get(socket, "/", { Host: "forbidden.test" })).toMatch(
      /403 Refused by policy: forbidden.test is not in allowOut\r\n[^]*forbidden.test is not in allowOut/,
    );
  });
});

test.each([
  ["what takes every complete answer for a success gets an incomplete one", undefined, "GET", 1],
  ["and for HEAD one without a length", "curl/8", "HEAD", Number.NaN],
  ["what heeds the status gets all of it", "npm/10.8 node/v22", "GET", 0],
] as const)("a refusal: %s", async (_what, agent, method, missing) => {
  await using inside = await guest({ network: false });
  const { stream } = await inside.ask(443, "off.test");
  const socket = await tls(stream, "off.test", inside.gateway.guest.authority!);
  const own = agent === undefined ? "" : `User-Agent: ${agent}\r\n`;
  socket.write(`${method} / HTTP/1.1\r\nHost: off.test\r\n${own}\r\n`);
  const [head, body] = (await text(socket)).split("\r\n\r\n") as [string, string];
  expect(head).toMatch(/^HTTP\/1\.1 403 Refused by policy: the network is off\r\n/);
  const length = Number(/^content-length: (.*)$/im.exec(head)?.[1]);
  expect(length - body.length).toBe(missing);
  if (method === "GET") expect(body).toContain("the network is off");
});

test("the head of a stream passes at once, and its bytes as they are", async () => {
  await using inside = await guest({
    ...only("api.test", LOOPBACK),
    secrets: { KEY: { value: VALUE, hosts: ["api.test"] } },
  });
  const socket = await open(inside);
  socket.write("GET /events HTTP/1.1\r\nHost: api.test\r\n\r\n");
  const [head] = (await once(socket, "data")) as [Buffer];
  expect(head.toString("latin1")).toMatch(
    /^HTTP\/1\.1 200 OK\r\n[^]*^X-Own: \u00e9\r\n[^]*\r\n\r\n$/m,
  );
  held!.end();
  socket.destroy();
});

/** How many of those names, asked for at once, are answered over TLS. */
async function flood(inside: Guest, port: number, names: readonly string[]): Promise<number> {
  const ca = inside.gateway.guest.authority!;
  const outcomes = await Promise.allSettled(
    names.map(async (name) => {
      const { stream, answer } = await inside.ask(port, name);
      if (answer !== "connected") throw new Error(answer);
      const socket = connectTls({ socket: stream, servername: name, ca });
      const failed = new Promise((_resolve, reject) => {
        for (const event of ["error", "close"]) socket.once(event, reject);
      });
      await Promise.race([once(socket, "secureConnect"), failed]);
    }),
  );
  return outcomes.filter(({ status }) => status === "fulfilled").length;
}

describe("a flood of names costs little", () => {
  test("of refused ones", async () => {
    await using inside = await guest({ network: false });
    const answered = await flood(inside, 443, many);
    expect(answered).toBeGreaterThanOrEqual(64);
    expect(answered).toBeLessThan(many.length);
    expect(inside.gateway.log().refusals.at(-1)).toMatchObject({ reason: "the network is off" });
  });

  test("of ones that get a secret", async () => {
    await using inside = await guest({
      ...only("*.api.test", LOOPBACK),
      secrets: { KEY: { value: VALUE, hosts: ["*.api.test"] } },
    });
    const answered = await flood(inside, 443, many);
    expect(answered).toBeGreaterThanOrEqual(64);
    expect(answered).toBeLessThan(many.length);
    expect(inside.gateway.log().refusals).toContainEqual(
      expect.objectContaining({ reason: expect.stringMatching(/too many names/) }),
    );
  });
});

const keyRule = (value: string) => ({
  match: { headers: [{ name: { exact: "X-Key" }, value: { exact: "placeholder" } }] },
  transform: { headers: { "x-key": value } },
});

const open = async (inside: Guest): Promise<TLSSocket> => {
  const { stream, answer } = await inside.ask(api.port, "api.test");
  expect(answer).toBe("connected");
  return tls(stream, "api.test", inside.gateway.guest.authority!);
};

describe("secrets", () => {
  const secrets = { KEY: { value: VALUE, hosts: ["api.test"] } };
  const both = { ...only("api.test", "other.test", LOOPBACK), secrets };

  test("stand in headers where the placeholder was, Basic credentials included", async () => {
    await using inside = await guest(both);
    const key = inside.gateway.envs["KEY"]!;
    expect(key).not.toContain(VALUE);
    await get(await open(inside), "/", {
      Host: "api.test",
      Authorization: `Bearer ${key}`,
      "X-Key": key,
    });
    expect(seen.at(-1)).toMatchObject({ authorization: `Bearer ${VALUE}`, "x-key": VALUE });
    const basic = Buffer.from(`user:${key}`).toString("base64");
    await get(await open(inside), "/", { Host: "api.test", Authorization: `Basic ${basic}` });
    const sent = String(seen.at(-1)!["authorization"]);
    expect(Buffer.from(sent.slice(6), "base64").toString()).toBe(`user:${VALUE}`);
  });

  test("do not come back, in whatever form a server sends them", async () => {
    await using inside = await guest(both);
    const key = inside.gateway.envs["KEY"]!;
    const headers = { Host: "api.test", "Accept-Encoding": "gzip", "X-Key": key };
    const basic = Buffer.from(`user:${key}`).toString("base64");
    const said = await get(await open(inside), "/echo", {
      ...headers,
      Authorization: `Basic ${basic}`,
    });
    expect(said).toContain("200 OK");
    expect(said).toContain("*".repeat(VALUE.length));
    expect(said).not.toContain(VALUE.slice(0, 12));
    expect(said).not.toContain(encodeURIComponent(VALUE));
    expect(said).not.toContain(Buffer.from(`user:${VALUE}`).toString("base64").slice(8));
  });

  test("are for their hosts only, and not for a request that names another", async () => {
    await using inside = await guest(both);
    const key = inside.gateway.envs["KEY"]!;
    const { stream } = await inside.ask(api.port, "other.test");
    const socket = await tls(stream, "other.test", authority.ca);
    await get(socket, "/", { Host: "other.test", "X-Key": key });
    expect(seen.at(-1)).toMatchObject({ "x-key": key });
    const before = seen.length;
    const said = await get(await open(inside), "/", { Host: "other.test", "X-Key": key });
    expect(said).toContain("403 Refused by policy");
    expect(seen.length).toBe(before);
  });

  test("are not sent to a server whose certificate is wrong", async () => {
    await using strict = await startGuest(both, { dnsServers: [names.address] });
    const before = seen.length;
    const said = await get(await open(strict), "/", {
      Host: "api.test",
      "X-Key": strict.gateway.envs["KEY"]!,
    });
    expect(said).toMatch(/502[^]*could not reach api.test/);
    expect(said).not.toContain(VALUE);
    expect(seen.length).toBe(before);
  });

  test("for a host that the policy refuses are an error that does not show them", async () => {
    const wrong = guest({ ...only("other.test"), secrets });
    await expect(wrong).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(/KEY.*`api.test`/),
    });
    await expect(guest({ network: false, secrets })).rejects.toMatchObject({
      code: "invalid_argument",
    });
    await expect(
      guest({ secrets: { KEY: { value: VALUE, hosts: ["10.0.0.1"] } } }),
    ).rejects.toMatchObject({
      message: expect.not.stringContaining(VALUE),
    });
  });

  test("stand in the requests of a client that is slow to begin, and a server may speak first", async () => {
    await using inside = await guest(both);
    const { stream } = await inside.ask(api.port, "api.test");
    await sleep(1000);
    const socket = await tls(stream, "api.test", inside.gateway.guest.authority!);
    await get(socket, "/", { Host: "api.test", "X-Key": inside.gateway.envs["KEY"]! });
    expect(seen.at(-1)).toMatchObject({ "x-key": VALUE });
    const greeter = createServer((client) => void client.write("220 hello\r\n")).listen(
      0,
      LOOPBACK,
    );
    await once(greeter, "listening");
    const other = await inside.ask((greeter.address() as AddressInfo).port, "api.test");
    const [said] = (await once(other.stream.resume(), "data")) as [Buffer];
    expect(said.toString()).toBe("220 hello\r\n");
    greeter.close();
  });

  test("headers of rules are set", async () => {
    const rules = { "api.test": [{ transform: { headers: { "X-Rule": "set", "x-old": "new" } } }] };
    await using inside = await guest({ network: { ...only("api.test", LOOPBACK).network, rules } });
    await get(await open(inside), "/", { Host: "api.test", "X-Old": "old" });
    expect(seen.at(-1)).toMatchObject({ "x-rule": "set", "x-old": "new" });
  });

  test("rules are for the requests that match, and those that are given later hold on open connections", async () => {
    const network = only("api.test", LOOPBACK).network;
    const methods = { match: { methods: ["PUT"] }, transform: { headers: { "x-put": "yes" } } };
    const rules = { "api.test": [keyRule("first"), methods] };
    await using inside = await guest({ network: { ...network, rules } });
    await get(await open(inside), "/", { Host: "api.test", "X-Key": "placeholder" });
    expect(seen.at(-1)).toMatchObject({ "x-key": "first" });
    expect(seen.at(-1)).not.toHaveProperty("x-put");
    await get(await open(inside), "/", { Host: "api.test", "X-Key": "other" });
    expect(seen.at(-1)).toMatchObject({ "x-key": "other" });
    const before = await open(inside);
    inside.gateway.update({ ...network, rules: { "api.test": [keyRule("second")] } });
    await get(before, "/", { Host: "api.test", "X-Key": "placeholder" });
    expect(seen.at(-1)).toMatchObject({ "x-key": "second" });
  });

  // Only root can listen on the port where they would have been set.
  test.runIf(process.getuid!() === 0)("but not where anyone can read them", async () => {
    const sent: unknown[] = [];
    const plain = createHttp((request, response) => {
      sent.push(request.headers["x-rule"]);
      response.end("plain");
    }).listen(80, PLAIN);
    await once(plain, "listening");
    const rules = { "plain.test": [{ transform: { headers: { "X-Rule": "set" } } }] };
    await using inside = await guest({ network: { ...only("plain.test", PLAIN).network, rules } });
    const { stream } = await inside.ask(80, "plain.test");
    expect(await get(stream.resume(), "/", { Host: "plain.test" })).toContain("plain");
    expect(sent).toEqual([undefined]);
    plain.close();
  });
});
