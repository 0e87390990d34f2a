import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from "node:net";
import { text } from "node:stream/consumers";
import type { Endpoint } from "@emberbox/core/provider";
import { signFile } from "@emberbox/core/envd";
import { pino } from "pino";
import { Agent } from "undici";
import { expect, onTestFinished, test } from "vitest";
import type { KnownNetwork } from "../known-network.ts";
import type { Sandboxes } from "../sandboxes.ts";
import type { Keyring } from "../tenants.ts";
import { tokensOf } from "../tokens.ts";
import { createProxy } from "./proxy.ts";

const KEY = "a-key-of-ours";
const tokens = tokensOf("seed", "iabc");
const OK = "HTTP/1.1 200 OK\r\nX-AnSwer: 1\r\nContent-Length: 2\r\n\r\nok";

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

interface World {
  readonly network?: KnownNetwork;
  readonly answer?: string;
  readonly codeUser?: "root";
  readonly isClosed?: true;
  readonly isGone?: true;
}

/** A proxy in front of one sandbox, all of whose ports give the same answer, and what was sent in. */
async function open({ network = {}, answer = OK, codeUser, isClosed, isGone }: World = {}) {
  let inside = "";
  const port = await listen(
    createTcpServer((socket) => {
      socket.on("error", () => {});
      if (isClosed) return void socket.destroy();
      socket.on("data", (chunk) => {
        if (inside === "") socket.write(answer);
        inside += chunk.toString("latin1");
      });
    }),
  );
  const dispatcher = new Agent();
  onTestFinished(() => dispatcher.destroy());
  const connection = {
    endpoint: (): Endpoint => ({
      ...{ origin: `http://127.0.0.1:${port}`, dispatcher, headers: { "x-provider": "its own" } },
    }),
    gone: () => (isGone ? new Error("gone") : undefined),
  };
  const sandboxes = {
    registry: {
      tokens: () => tokens,
      network: () => network,
      list: async () => [{ info: { sandboxId: "iabc" } }],
    },
    reach: async () => connection,
  } as unknown as Sandboxes;
  const keys = { has: (given: string) => given === KEY } as unknown as Keyring;
  const proxy = createProxy(sandboxes, keys, {
    ...{ log: pino({ enabled: false }), codeUser: codeUser ?? "user" },
    samples: { use: () => () => {} },
    followers: { follow: () => undefined },
  });
  const server = createServer((request, response) => {
    proxy.handle(request, response).catch(() => response.destroy());
  });
  server.on("upgrade", (request, socket, head) => {
    proxy.upgrade(request, socket, head).catch(() => socket.destroy());
  });
  const outside = await listen(server);
  /** Sends a head; returns what came back until the end. */
  const send = (...lines: string[]): Promise<string> => {
    const client = connect(outside, "127.0.0.1");
    client.write(`${lines.join("\r\n")}\r\n\r\n`);
    return text(client);
  };
  return { send, inside: () => inside };
}

const last = "Connection: close";

test("a server inside sees a request as it was written, without what opens sandboxes or this server", async () => {
  const { send, inside } = await open({ network: { maskRequestHost: "masked:${PORT}" } });
  const answer = await send(
    ...["GET /a?b HTTP/1.1", "Host: 8080-iabc.localhost", "X-MiXed: 1", "x-mixed: 2"],
    ...[`X-API-Key: ${KEY}`, `Authorization: Bearer ${KEY}`, "E2B-Traffic-Access-Token: x"],
    ...["X-Provider: a stranger's", "Cookie: a=1", last],
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\nX-AnSwer: 1\r\n[^]*\r\n\r\nok$/);
  expect(inside().split("\r\n")).toEqual([
    ...["GET /a?b HTTP/1.1", "host: masked:8080", "connection: keep-alive", "X-MiXed: 1"],
    ...["x-mixed: 2", "Cookie: a=1", "x-provider: its own", "", ""],
  ]);
});

test("a token alone names its sandbox; one that is no sandbox's is answered as if its sandbox had ended", async () => {
  const { send, inside } = await open();
  const list = [
    "POST /process.Process/List HTTP/1.1",
    "Host: localhost",
    "Content-Length: 0",
    last,
  ];
  expect(await send(...list, `X-Access-Token: ${tokens.envd}`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(inside()).toMatch(/^POST \/process\.Process\/List HTTP\/1\.1\r\n/);
  expect(inside()).not.toContain(tokens.envd);
  const answer = await send(...list, `X-Access-Token: ${"0".repeat(64)}`);
  expect(answer).toMatch(/^HTTP\/1\.1 502 [^]*"The sandbox was not found"/);
});

test("the agent sees neither tokens nor signatures", async () => {
  const grant = { path: "/a", operation: "read", user: "", expiration: null } as const;
  const signature = encodeURIComponent(signFile(grant, tokens.envd));
  const signed = `GET /files?path=/a&signature=${signature} HTTP/1.1`;
  for (const head of [
    [signed, "Host: localhost"],
    ["GET /files?path=/a HTTP/1.1", "Host: 49983-iabc.localhost", `X-Access-Token: ${tokens.envd}`],
  ]) {
    const { send, inside } = await open();
    expect(await send(...head, "Cookie: secret=1", last)).toMatch(/^HTTP\/1\.1 200 /);
    expect(inside()).toMatch(/^GET \/files\?path=(\/|%2F)a HTTP\/1\.1\r\n/);
    expect(inside()).not.toMatch(/signature|access-token|secret/i);
    expect(inside()).not.toContain(tokens.envd);
  }
});

test.each([
  ["POST /execute", "POST /users/root/execute"],
  ["POST /contexts?a", "POST /users/root/contexts?a"],
  ["POST /users/user/execute", "POST /users/user/execute"],
  ["POST /contexts/a/restart", "POST /contexts/a/restart"],
  ["GET /contexts", "GET /contexts"],
])("where code is root's, %s goes in as %s", async (asked, passed) => {
  const token = `X-Access-Token: ${tokens.envd}`;
  for (const [port, codeUser, wanted] of [
    [49999, "root", passed],
    [49999, undefined, asked],
    [8080, "root", asked],
  ] as const) {
    const { send, inside } = await open({ ...(codeUser && { codeUser }) });
    await send(`${asked} HTTP/1.1`, `Host: ${port}-iabc.localhost`, token, last);
    expect(inside().split(" HTTP/1.1", 1)[0], `${port} ${codeUser}`).toBe(wanted);
  }
});

test("who may not come in is told so in E2B's form, and nothing gets inside", async () => {
  const { send, inside } = await open({ network: { allowPublicTraffic: false } });
  const own = ["Host: 8080-iabc.localhost", last];
  const refused = await send("GET / HTTP/1.1", ...own);
  expect(refused).toMatch(/^HTTP\/1\.1 403 /);
  expect(JSON.parse(refused.split("\r\n\r\n")[1]!)).toMatchObject({
    ...{ sandboxId: "iabc", port: 8080, code: 403 },
  });
  const agent = ["Host: 49983-iabc.localhost", last];
  expect(await send("GET /metrics HTTP/1.1", ...agent)).toMatch(/^HTTP\/1\.1 401 [^]*"code":401/);
  expect(await send("POST /init HTTP/1.1", ...agent)).toMatch(/^HTTP\/1\.1 404 /);
  const upgrade = ["Connection: Upgrade", "Upgrade: x"];
  expect(await send("GET / HTTP/1.1", own[0]!, ...upgrade)).toMatch(/^HTTP\/1\.1 403 [^]*"iabc"/);
  expect(inside()).toBe("");
});

test.each([
  ["a port that is not open", { isClosed: true }, "port is not open"],
  ["a sandbox that is gone", { isClosed: true, isGone: true }, "was not found"],
] as const)("%s is told of, whether requests or upgrades ask", async (_what, world, message) => {
  const { send } = await open(world);
  const host = "Host: 8080-iabc.localhost";
  for (const more of [[last], ["Connection: Upgrade", "Upgrade: x"]]) {
    const answer = await send("GET / HTTP/1.1", host, ...more);
    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    expect(answer).toContain(message);
  }
});

test("an answer that cannot be passed on is the sandbox's fault", async () => {
  const { send } = await open({ answer: "HTTP/1.1 200 OK\r\nX-A: \u0001\r\n\r\n" });
  const answer = await send("GET / HTTP/1.1", "Host: 8080-iabc.localhost", last);
  expect(answer).toMatch(/^HTTP\/1\.1 502 /);
});
