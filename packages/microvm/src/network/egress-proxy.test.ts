import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { NetworkOptions } from "@emberbox/core/network";
import { Access } from "./access.ts";
import { startGuest, type Guest } from "./testing/channel.ts";
import { type NameServer, startNameServer } from "./testing/name-server.ts";
import {
  createTestAuthority,
  LOOPBACK,
  startServer,
  type TestAuthority,
  type TestServer,
} from "./testing/servers.ts";
import { startProxy, type TestProxy } from "./testing/socks.ts";

let names: NameServer;
let authority: TestAuthority;
let api: TestServer;
let proxy: TestProxy;
const seen: (string | undefined)[] = [];

beforeAll(async () => {
  names = await startNameServer({
    // Nothing is there but by way of the proxy.
    "api.test": [["192.0.2.1"], ["8.8.4.4"]],
    "public.test": [["8.8.4.4"]],
    "proxy.test": [[LOOPBACK]],
  });
  authority = await createTestAuthority();
  api = await startServer(
    (request, response) => {
      seen.push(request.headers["x-set"] as string | undefined);
      response.end("fine");
    },
    await authority.certify("public.test"),
  );
  proxy = await startProxy("me:secret-password");
});
afterAll(async () => {
  await names[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

const guest = (network: NetworkOptions, networkCeiling?: NetworkOptions): Promise<Guest> =>
  startGuest(
    { network, ...(networkCeiling && { networkCeiling }) },
    { dnsServers: [names.address], ca: [authority.ca] },
  );
const egressProxy = () => ({
  address: proxy.address,
  username: "me",
  password: "secret-password",
});

async function get(inside: Guest, ca: string): Promise<string> {
  const { stream, answer } = await inside.ask(api.port, "public.test");
  expect(answer).toBe("connected");
  const socket = connectTls({ socket: stream, servername: "public.test", ca });
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  socket.write("GET / HTTP/1.1\r\nHost: public.test\r\nConnection: close\r\n\r\n");
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

test("what is allowed goes out through the proxy, what is not does not reach it", async () => {
  await using inside = await guest({ egressProxy: egressProxy(), denyOut: ["8.8.8.8"] });
  proxy.asked.length = 0;
  expect(await get(inside, authority.ca)).toContain("fine");
  expect(proxy.asked).toEqual([`me:secret-password@8.8.4.4:${api.port}`]);
  expect((await inside.ask(443, "8.8.8.8")).answer).toBe("refused");
  expect((await inside.ask(443, "10.0.0.7")).answer).toBe("refused");
  expect(proxy.asked).toHaveLength(1);
  expect(inside.gateway.guest).not.toHaveProperty("egressProxy");
  expect(JSON.stringify([inside.gateway.guest, inside.gateway.envs])).not.toContain("secret");
});

test("a name that is allowed as such is looked up by the proxy, and rules hold behind it", async () => {
  await using inside = await guest({
    egressProxy: egressProxy(),
    allowOut: ["public.test"],
    denyOut: ["0.0.0.0/0"],
    rules: { "public.test": [{ transform: { headers: { "x-set": "by the rule" } } }] },
  });
  proxy.asked.length = 0;
  expect(await get(inside, inside.gateway.guest.authority!)).toContain("fine");
  expect(seen.at(-1)).toBe("by the rule");
  expect(proxy.asked).toEqual([`me:secret-password@public.test:${api.port}`]);
});

test("wrong credentials, a proxy that is none, and one that is not there connect to nothing", async () => {
  const silent = createServer((socket) => void socket.end("HTTP/1.1 400 Bad\r\n\r\n"));
  silent.listen(0, LOOPBACK);
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  proxy.asked.length = 0;
  for (const each of [
    { ...egressProxy(), password: "wrong" },
    { address: proxy.address },
    { address: `${LOOPBACK}:${port}` },
    { address: `${LOOPBACK}:1` },
  ]) {
    await using inside = await guest({ egressProxy: each });
    expect((await inside.ask(api.port, "public.test")).answer).toBe("unreachable");
  }
  expect(proxy.asked).toEqual([]);
  silent.close();
});

const ask = (address: string, networkCeiling: boolean | NetworkOptions): Access =>
  Access.ask({ network: { egressProxy: { address } }, networkCeiling });

test("the proxy itself is within the ceiling", async () => {
  for (const address of [proxy.address, "10.0.0.7:1080", "[::1]:1080"])
    expect(() => ask(address, true)).toThrow(/egressProxy.*beyond the network's ceiling/);
  expect(() => ask("proxy.test:1080", { denyOut: ["0.0.0.0/0"] })).toThrow(/ceiling/);
  ask(proxy.address, { allowOut: [LOOPBACK] });
  for (const address of ["proxy.test", "proxy.test:0", "a b:1", "::1:80", "x:99999"])
    expect(() => ask(address, true)).toThrow(/a host and a port/);
  // Its name is looked up for each connection.
  const port = proxy.address.split(":")[1]!;
  const network = { egressProxy: { ...egressProxy(), address: `proxy.test:${port}` } };
  await using refused = await guest(network, {});
  expect((await refused.ask(api.port, "public.test")).answer).toBe("unreachable");
  await using allowed = await guest(network, { allowOut: [LOOPBACK] });
  expect((await allowed.ask(api.port, "public.test")).answer).toBe("connected");
});

test("credentials are not saved, and without them nothing goes out", async () => {
  const access = new Access({ network: { egressProxy: egressProxy() } });
  const saved = JSON.stringify(access);
  expect(saved).not.toContain("secret");
  const kept = Access.kept(JSON.parse(saved));
  expect(kept.policy.decide("public.test", ["8.8.4.4"])).toMatchObject({
    allowed: false,
    reason: expect.stringContaining("not kept on disk"),
  });
  expect(kept.with({ egressProxy: egressProxy() }).policy.decide("x", ["8.8.4.4"]).allowed).toBe(
    true,
  );
  const open = new Access({ network: { egressProxy: { address: proxy.address } } });
  expect(Access.kept(JSON.parse(JSON.stringify(open))).proxy?.host).toBe(LOOPBACK);
});

test("connections end when the proxy changes", async () => {
  await using inside = await guest({ egressProxy: egressProxy() });
  const { stream } = await inside.ask(api.port, "public.test");
  const closed = new Promise((resolve) => stream.on("error", () => {}).once("close", resolve));
  inside.gateway.update({});
  stream.resume();
  await closed;
});
