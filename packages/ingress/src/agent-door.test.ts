import { createServer, type IncomingMessage, request as ask } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { signFile } from "@emberbox/core/envd";
import { Agent } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { openAgentDoor } from "./agent-door.ts";

const accessToken = "7".repeat(64);
const grant = { path: "/a b", operation: "read", user: "", expiration: null } as const;
const signature = signFile(grant, accessToken);
const signed = `/files?path=%2Fa+b&signature=${encodeURIComponent(signature)}`;

interface Heard {
  readonly line: string;
  readonly head: string;
  readonly body: string;
}

/** A door in front of a server that remembers what it was sent, as an agent would in its memory. */
async function open(options: { trafficToken?: string; isGone?: true } = {}): Promise<{
  port: number;
  heard: Heard[];
}> {
  const heard: Heard[] = [];
  const agent = createServer(async (request: IncomingMessage, response) => {
    const head = request.rawHeaders.join("\n");
    heard.push({ line: `${request.method} ${request.url}`, head, body: await text(request) });
    response.writeHead(200, { "x-kept": "yes", connection: "keep-alive" }).end("answered");
  });
  agent.listen(0, "127.0.0.1");
  await once(agent, "listening");
  const origin = `http://127.0.0.1:${(agent.address() as AddressInfo).port}`;
  const dispatcher = new Agent();
  const door = openAgentDoor({
    ...{ sandboxId: "isome", port: 49983 },
    tokens: { access: accessToken, traffic: options.trafficToken },
    endpoint: async () => {
      if (options.isGone) throw new Error("gone");
      return { origin, headers: {}, dispatcher };
    },
  });
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
  onTestFinished(async () => {
    await dispatcher.destroy();
    for (const server of [door, agent]) server.close().closeAllConnections();
  });
  return { port: (door.address() as AddressInfo).port, heard };
}

async function send(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = "",
): Promise<[status: number, body: string]> {
  const request = ask({ port, method, path, headers, agent: false }).end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return [response.statusCode!, await text(response)];
}

test("what opens the sandbox does not come into it", async () => {
  const { port, heard } = await open({ trafficToken: "traffic" });
  const headers = {
    ...{ "X-Access-Token": accessToken, "E2B-Traffic-Access-Token": "traffic" },
    ...{ "X-API-Key": "the key", Cookie: "a=b", "X-Marker": "passes" },
  };
  expect(await send(port, "POST", "/process.Process/List", headers, "{}")).toEqual([
    200,
    "answered",
  ]);
  const { "X-Access-Token": _, ...others } = headers;
  expect((await send(port, "GET", signed, others))[0]).toBe(200);
  expect(heard.map(({ line, body }) => [line, body])).toEqual([
    ["POST /process.Process/List", "{}"],
    ["GET /files?path=%2Fa+b", ""],
  ]);
  for (const { head } of heard) {
    expect(head).toContain("X-Marker\npasses");
    expect(head).not.toMatch(/7777|traffic|the key|a=b/);
  }
});

test.each([
  ["no token", "GET", "/metrics", {}, 401],
  ["a wrong token", "GET", "/metrics", { "x-access-token": "8".repeat(64) }, 401],
  ["another file's signature", "GET", signed.replace("a+b", "b"), {}, 401],
  ["a signature for reading", "POST", signed, {}, 401],
  [
    "a signature, by way of a file",
    "POST",
    `/process.Process/Start/../../files${signed.slice(6)}`,
    {},
    401,
  ],
  ["another host's path", "GET", "http://a/health", {}, 400],
  ["a gone sandbox", "GET", "/health", {}, 502],
] as const)(
  "%s is refused, and the sandbox hears nothing",
  async (what, method, path, headers, status) => {
    const { port, heard } = await open(what === "a gone sandbox" ? { isGone: true } : {});
    expect((await send(port, method, path, headers))[0]).toBe(status);
    expect(heard).toEqual([]);
  },
);

test("a second request behind a signed one needs a right of its own", async () => {
  const { port, heard } = await open();
  const socket = connect(port, "127.0.0.1");
  const smuggled = "POST /process.Process/Start HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
  socket.write(`GET ${signed} HTTP/1.1\r\nHost: a\r\n\r\n${smuggled}`);
  const answers = await text(socket);
  expect(answers.match(/^HTTP\/1\.1 \d+/gm)).toEqual(["HTTP/1.1 200", "HTTP/1.1 401"]);
  expect(heard).toHaveLength(1);
});
