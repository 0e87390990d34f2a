import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import type { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { EmberboxError } from "@emberbox/core";
import { serveHttp } from "@emberbox/mcp";
import { microvm } from "@emberbox/microvm";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { areGone, eventually, machinesOf } from "../support/processes.ts";
import { callTool, command, connectHttp } from "./support/client.ts";

const provider = microvm();
afterAll(() => provider[Symbol.asyncDispose]());
const count = async (): Promise<number> => (await provider.list()).length;

const initialize = JSON.stringify({
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "mcp", version: "0.1.0" },
  },
});

/** With whatever headers, as `fetch` would not. */
function post(
  url: string,
  headers: Record<string, string> = {},
  body: string = initialize,
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    headers: Record<string, unknown>;
    body: string;
  }>();
  request(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
  })
    .on("response", async (response) => {
      const body = (await response.toArray()).join("");
      resolve({ status: response.statusCode!, headers: response.headers, body });
    })
    .on("error", reject)
    .end(body);
  return promise;
}

describe("MCP over streamable HTTP", () => {
  test("two sessions do not see each other, and their sandboxes end with them", async () => {
    await using server = await serveHttp(provider, { port: 0 });
    const before = await count();
    await using first = await connectHttp(server.url);
    await using second = await connectHttp(
      server.url,
      {},
      { versionNegotiation: { mode: "auto" } },
    );
    const code = { code: "'mine' in globals() or exec('mine = 1')" };
    for (const client of [first, second]) {
      expect((await callTool(client, "run_code", code)).text).not.toContain("True");
      expect((await callTool(client, "run_code", code)).text).toContain("True");
    }
    expect(await count()).toBe(before + 2);
    await (first.transport as StreamableHTTPClientTransport).terminateSession();
    await expect.poll(count, { timeout: 5000 }).toBe(before + 1);
    expect((await callTool(second, "run_code", code)).text).toContain("True");
    await server[Symbol.asyncDispose]();
    expect(await count()).toBe(before);
  });

  test("an idle session's sandbox ends, and the session goes on with another", async () => {
    await using server = await serveHttp(provider, { port: 0, idleTimeoutMs: 500 });
    const before = await count();
    await using client = await connectHttp(server.url);
    await callTool(client, "run_code", { code: "1" });
    await expect.poll(count, { timeout: 10_000 }).toBe(before);
    expect((await callTool(client, "run_code", { code: "2" })).text).toContain("lost");
  });

  test("sessions that name a conversation share its sandbox, one after the other, too", async () => {
    await using server = await serveHttp(provider, { port: 0, idleTimeoutMs: 1000 });
    const before = await count();
    const run = async (query: string, code: string): Promise<string> => {
      await using client = await connectHttp(`${server.url}${query}`);
      const { text } = await callTool(client, "run_code", { code });
      await (client.transport as StreamableHTTPClientTransport).terminateSession();
      return text;
    };
    await run("?conversation=a", "kept = 41");
    expect(await run("?conversation=a", "kept + 1")).toContain("42");
    expect(await run("?conversation=b", "kept + 1")).toContain("NameError");
    expect((await post(`${server.url}?conversation=../x`)).status).toBe(400);
    await expect.poll(count, { timeout: 10_000 }).toBe(before);
  });

  test("the session used least recently makes room for a new one", async () => {
    await using server = await serveHttp(provider, { port: 0, maxSessions: 1 });
    await using first = await connectHttp(server.url);
    await using second = await connectHttp(server.url);
    await expect(first.listTools()).rejects.toThrow(/no such session/);
    expect((await second.listTools()).tools).toHaveLength(6);
  });

  test("whoever begins sessions by the hundred does not end one that works", async () => {
    await using server = await serveHttp(provider, { port: 0, maxSessions: 3 });
    await using owner = await connectHttp(server.url);
    await callTool(owner, "run_code", { code: "kept = 41" });
    await using other = await connectHttp(server.url);
    await other.listTools();
    for (let begun = 0; begun < 100; begun++) expect((await post(server.url)).status).toBe(200);
    expect((await callTool(owner, "run_code", { code: "kept + 1" })).text).toContain("42");
    expect((await other.listTools()).tools).toHaveLength(6);
    // When all work, it is the newcomer who is told.
    await using busy = await serveHttp(provider, { port: 0, maxSessions: 1 });
    await using only = await connectHttp(busy.url);
    await callTool(only, "run_code", { code: "1" });
    expect((await post(busy.url)).status).toBe(503);
    expect((await only.listTools()).tools).toHaveLength(6);
  });

  test("a client that is killed in the middle of a call loses its sandbox to the idle time", async () => {
    await using server = await serveHttp(provider, { port: 0, idleTimeoutMs: 500 });
    const before = await count();
    const client = await connectHttp(server.url);
    const began = Promise.withResolvers<void>();
    const call = callTool(
      client,
      "run_command",
      { command: "echo on; sleep 60", timeout_ms: 4000 },
      { onOutput: () => began.resolve() },
    );
    await began.promise;
    expect(await count()).toBe(before + 1);
    // As when its process has gone: the connections are cut, and nothing is said.
    await client.close();
    await expect(call).rejects.toThrow();
    await expect.poll(count, { timeout: 20_000 }).toBe(before);
  });

  test.each(["2025-03-26", "2025-06-18", "2025-11-25"])(
    "a client without the SDK, of %s, initializes, calls and ends its session",
    async (protocolVersion) => {
      await using server = await serveHttp(provider, { port: 0 });
      const before = await count();
      const begun = await post(server.url, {}, initialize.replace("2025-06-18", protocolVersion));
      expect(begun.body).toContain(`"protocolVersion":"${protocolVersion}"`);
      const session = { "mcp-session-id": String(begun.headers["mcp-session-id"]) };
      const send = (method: string, more: object) =>
        post(server.url, session, JSON.stringify({ jsonrpc: "2.0", method, ...more }));
      expect((await send("notifications/initialized", {})).status).toBe(202);
      expect((await send("tools/list", { id: 1 })).body).toContain("run_code");
      const params = { name: "run_code", arguments: { code: "6 * 7" } };
      const called = await send("tools/call", { id: 2, params });
      expect(called.headers["content-type"]).toBe("text/event-stream");
      expect(called.body).toMatch(/^data: .*"id":2.*$/m);
      expect(called.body).toContain("42");
      expect((await fetch(server.url, { method: "DELETE", headers: session })).status).toBe(200);
      await expect.poll(count, { timeout: 5000 }).toBe(before);
      expect((await send("tools/list", { id: 3 })).status).toBe(404);
    },
  );

  test("with a token, requests without it are refused before anything else", async () => {
    const token = "correct-horse-battery";
    await using server = await serveHttp(provider, { port: 0, token });
    for (const given of [
      {},
      { authorization: "Bearer wrong-horse-battery" },
      { authorization: token },
    ]) {
      const { status, headers } = await post(server.url, given as Record<string, string>);
      expect({ status, challenge: headers["www-authenticate"] }).toEqual({
        status: 401,
        challenge: "Bearer",
      });
    }
    await expect(connectHttp(server.url)).rejects.toThrow();
    const authorization = `Bearer ${token}`;
    await using client = await connectHttp(server.url, { authorization });
    expect((await client.listTools()).tools).toHaveLength(6);
    const session = (await post(server.url, { authorization })).headers["mcp-session-id"];
    const stolen = { "mcp-session-id": String(session) };
    expect((await post(server.url, stolen)).status).toBe(401);
  });

  test("pages of other sites are kept out, by their origin and by the name they came by", async () => {
    await using server = await serveHttp(provider, { port: 0, allowedOrigins: ["app.example"] });
    expect((await post(server.url, { host: "rebound.example" })).status).toBe(403);
    expect((await post(server.url, { origin: "https://evil.example" })).status).toBe(403);
    expect((await post(server.url, { origin: "null" })).status).toBe(403);
    expect((await post(server.url, { origin: "https://app.example" })).status).toBe(200);
    expect((await post(server.url, { host: "localhost:1" })).status).toBe(200);
    expect((await post(server.url.replace("/mcp", "/other"))).status).toBe(404);
  });

  test("listening where others can reach it needs a token", async () => {
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "some.example"]) {
      const refused = serveHttp(provider, { port: 0, host });
      await expect(refused).rejects.toThrow(/needs a token/);
      await expect(refused).rejects.toBeInstanceOf(EmberboxError);
    }
    await using server = await serveHttp(provider, {
      port: 0,
      host: "0.0.0.0",
      token: "long-enough",
    });
    const port = new URL(server.url).port;
    const headers = { authorization: "Bearer long-enough", host: "any.example" };
    expect((await post(`http://127.0.0.1:${port}/mcp`, headers)).status).toBe(200);
  });

  test("what is not a message of a session is answered, and leaves nothing", async () => {
    await using server = await serveHttp(provider, { port: 0 });
    const list = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
    expect((await post(server.url, {}, "{not json")).status).toBe(400);
    expect((await post(server.url, {}, list)).status).toBe(400);
    expect((await post(server.url, { "mcp-session-id": "unknown" }, list)).status).toBe(404);
    expect((await post(server.url, {}, `"${"x".repeat(5_000_000)}"`)).status).toBe(413);
    expect((await fetch(server.url, { headers: { accept: "text/event-stream" } })).status).toBe(
      400,
    );
    expect((await fetch(server.url, { method: "PUT" })).status).toBe(405);
  });

  test("options that cannot be honoured are refused", async () => {
    for (const [options, message] of [
      [{ port: 70_000 }, /`port` option to be a port/],
      [{ token: "short" }, /`token` option to be 8 to 500/],
      [{ maxSandboxes: 0 }, /`maxSandboxes`/],
      [{ allowedHosts: ["http://a.example/"] }, /`allowedHosts`/],
    ] as const) {
      await expect(serveHttp(provider, options)).rejects.toThrow(message);
    }
    await using server = await serveHttp(provider, { port: 0 });
    const port = Number(new URL(server.url).port);
    await expect(serveHttp(provider, { port })).rejects.toThrow("EADDRINUSE");
  });
});

test("emberbox mcp --http says where it listens, wants its token, and ends with its machines", async () => {
  const token = "from-the-environment";
  const child = spawn(command.command, [...command.args, "--http", "--port", "0"], {
    env: { ...process.env, EMBERBOX_MCP_TOKEN: token },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const stdout = text(child.stdout);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (piece: string) => (said += piece));
  await expect.poll(() => said, { timeout: 60_000 }).toMatch(/http:\S+\s/);
  const [url] = /http:\S+/.exec(said)!;
  expect((await post(url)).status).toBe(401);
  await using client = await connectHttp(url, { authorization: `Bearer ${token}` });
  expect((await callTool(client, "run_code", { code: "6 * 7" })).text).toContain("42");
  // A spare may stand by.
  const machines = machinesOf(child.pid);
  expect(machines).not.toEqual([]);
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(await stdout).toBe("");
  await eventually("the machine is gone", 1000, () => areGone(machines));
});
