import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { serveHttp } from "@emberbox/mcp";
import { type EmberboxServer, serve } from "@emberbox/server";
import { fetch } from "undici";
import { Sandbox } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import type { Attempt } from "./attempt.ts";
import type { Outcome, Served, World } from "./world.ts";

export const keys = {
  owner: "owner-key-1234",
  stranger: "stranger-key-1234",
  operator: "operator-key-1234",
};

const MOST_CONNECTIONS = 40;

export async function openServed(provider: SandboxProvider): Promise<Served> {
  const stateDirectory = mkdtempSync(join(tmpdir(), "emberbox-escapes-"));
  const server = await serve({
    provider,
    port: 0,
    stateDirectory,
    apiKeys: { owner: keys.owner, stranger: keys.stranger },
    operatorKey: keys.operator,
    maxConnections: MOST_CONNECTIONS,
  });
  const created = await ask(server, "POST /v2/sandboxes", keys.owner, {
    templateID: "base",
    timeout: 3600,
  });
  const { sandboxID, envdAccessToken } = JSON.parse(created.body) as Record<string, string>;
  return {
    server,
    sandboxId: sandboxID!,
    envdToken: envdAccessToken!,
    provider,
    inside: await Sandbox.connect(sandboxID!, { provider }),
    async [Symbol.asyncDispose]() {
      await server.close();
      rmSync(stateDirectory, { recursive: true, force: true });
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Asks with a key, of a tenant or none. */
export async function ask(
  server: EmberboxServer,
  line: string,
  key: string,
  body?: unknown,
): Promise<Answer> {
  const [method, path] = line.split(" ") as [string, string];
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: { "x-api-key": key },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.text() };
}

const routes: readonly [line: string, body?: unknown][] = [
  ["GET /sandboxes/@"],
  ["GET /sandboxes/@/metrics"],
  ["GET /sandboxes/@/logs"],
  ["GET /v2/sandboxes/@/logs"],
  ["GET /events/sandboxes/@"],
  ["POST /v2/sandboxes/@/connect", { timeout: 60 }],
  ["POST /sandboxes/@/connect", { timeout: 60 }],
  ["POST /sandboxes/@/resume", { timeout: 60 }],
  ["POST /sandboxes/@/timeout", { timeout: 0 }],
  ["POST /sandboxes/@/refreshes", { duration: 60 }],
  ["POST /sandboxes/@/pause", {}],
  ["PUT /sandboxes/@/network", { allowOut: ["1.1.1.1"] }],
  ["POST /sandboxes/@/fork", { count: 1 }],
  ["POST /sandboxes/@/snapshots", { name: "taken" }],
  ["DELETE /sandboxes/@"],
  ["GET /sandboxes/metrics?sandbox_ids=@"],
  ["GET /snapshots?sandboxID=@"],
];

export function server(
  attempt: Omit<Attempt, "run" | "refusedBy"> & Partial<Pick<Attempt, "refusedBy">>,
  run: (served: Served, world: World) => Promise<Outcome>,
): Attempt {
  const refusedBy = "the server";
  return { refusedBy, ...attempt, run: async (world) => run(await world.served(), world) };
}

/** Sends bytes to a port of this machine, and tells what came back. */
async function sendBytes(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}).setTimeout(2000, () => socket.destroy());
  socket.write(bytes);
  return text(socket).catch(() => "");
}

/** Runs a server in a sandbox that keeps the heads of the requests it gets. */
async function keepHeads({ commands, files }: Sandbox): Promise<() => Promise<string>> {
  const program = `import socket
s = socket.create_server(("127.0.0.1", 8400)); print("listening", flush=True)
while True:
    c = s.accept()[0]; c.settimeout(1)
    try: data = c.recv(65536)
    except TimeoutError: data = b""
    open("/tmp/heads", "ab").write(data)
    c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n"); c.close()`;
  await files.write("/tmp/heads.py", program);
  const listening = Promise.withResolvers<void>();
  await commands.run("python3 /tmp/heads.py", {
    background: true,
    timeoutMs: 0,
    onStdout: () => listening.resolve(),
  });
  await listening.promise;
  return () => files.read("/tmp/heads");
}

const hostTricks = [
  "GET / HTTP/1.1\r\nHost: a\r\nX: b\nHost: evil\r\n\r\n",
  "GET / HTTP/1.1\r\nHost : evil\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n Host: evil\r\n\r\n",
  "GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\nHost: evil\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: evil\r\n\r\n",
];

const initialize = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "attempt", version: "1" },
  },
};

async function toMcp(url: string, body: unknown, session?: string) {
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...(session !== undefined && { "mcp-session-id": session }),
    },
    body: JSON.stringify(body),
  });
  await answer.text();
  return { status: answer.status, session: answer.headers.get("mcp-session-id") ?? undefined };
}

/** By whoever can send requests to a server: another tenant, somebody without a key, a web page. */
export const serverAttempts: readonly Attempt[] = [
  server(
    {
      id: "server.foreign-sandbox",
      tries: "see, change or end another tenant's sandbox by its id, on every route",
      refused: /^answered as about one that never was$/,
    },
    async ({ server, sandboxId }) => {
      const differing: string[] = [];
      for (const [line, body] of routes) {
        const about = async (id: string): Promise<string> => {
          const answer = await ask(server, line.replace("@", id), keys.stranger, body);
          return `${answer.status} ${answer.body.replaceAll(id, "@")}`;
        };
        if ((await about(sandboxId)) !== (await about("inever".padEnd(sandboxId.length, "q"))))
          differing.push(line);
      }
      const { status } = await ask(server, `GET /sandboxes/${sandboxId}`, keys.owner);
      return {
        delivered: status === 200 ? `${routes.length} requests about a sandbox that lives` : "",
        seen: differing.join(", ") || "answered as about one that never was",
      };
    },
  ),
  server(
    {
      id: "server.foreign-list",
      tries: "find another tenant's sandboxes in a listing, or in its totals",
      refused: /^\[\] of 0$/,
    },
    async ({ server }) => {
      const list = async (key: string) => {
        const answer = await fetch(`${server.url}/v2/sandboxes`, { headers: { "x-api-key": key } });
        return `${await answer.text()} of ${answer.headers.get("x-total-running")}`;
      };
      const own = await list(keys.owner);
      return {
        delivered: own.includes("sandboxID") ? "there is one" : "",
        seen: await list(keys.stranger),
      };
    },
  ),
  server(
    {
      id: "server.name-takeover",
      tries: "take over the name of another tenant's snapshot, or make a sandbox of it",
      refused: /^the name is the owner's; 404 404 404$/,
    },
    async ({ server, sandboxId }) => {
      const snapshot = async (key: string, id: string): Promise<string> => {
        const made = await ask(server, `POST /sandboxes/${id}/snapshots`, key, { name: "image" });
        return (JSON.parse(made.body) as { snapshotID: string }).snapshotID;
      };
      const owners = await snapshot(keys.owner, sandboxId);
      const other = await ask(server, "POST /v2/sandboxes", keys.stranger, { templateID: "base" });
      const { sandboxID } = JSON.parse(other.body) as { sandboxID: string };
      const strangers = await snapshot(keys.stranger, sandboxID);
      const { body } = await ask(server, "GET /templates/aliases/image", keys.owner);
      const tried = [
        await ask(server, "POST /v2/sandboxes", keys.stranger, { templateID: owners }),
        await ask(server, `DELETE /templates/${owners}`, keys.stranger),
        await ask(server, `GET /templates/aliases/${owners}`, keys.stranger),
      ];
      await ask(server, `DELETE /sandboxes/${sandboxID}`, keys.stranger);
      await ask(server, `DELETE /templates/${strangers}`, keys.stranger);
      await ask(server, `DELETE /templates/${owners}`, keys.owner);
      const whose = body.includes(owners) ? "the owner's" : "not the owner's";
      return {
        delivered: strangers ? "both have a snapshot of that name" : "",
        seen: `the name is ${whose}; ${tried.map(({ status }) => status).join(" ")}`,
      };
    },
  ),
  server(
    {
      id: "server.name-traversal",
      tries: "write a file of the host by the name of a snapshot",
      refused: /^400( 400)*$/,
    },
    async ({ server, sandboxId }) => {
      const names = ["a/../../../../tmp/emberbox-escape", "../x", "/etc/x", "a/b", "a\0b", ".."];
      const answers = [];
      for (const name of names)
        answers.push(
          await ask(server, `POST /sandboxes/${sandboxId}/snapshots`, keys.owner, { name }),
        );
      return {
        delivered: `${answers.length} names`,
        seen: answers.map(({ status }) => status).join(" "),
      };
    },
  ),
  server(
    {
      id: "server.tokenless-interpreter",
      tries: "end a sandbox's code contexts with its id alone",
      refused: /^403 403 403 401$/,
    },
    async ({ server, sandboxId, envdToken }) => {
      const to = async (line: string, headers: Record<string, string> = {}): Promise<number> => {
        const [method, path] = line.split(" ") as [string, string];
        const answer = await fetch(`${server.url}${path}`, {
          method,
          headers: { "e2b-sandbox-id": sandboxId, "e2b-sandbox-port": "49999", ...headers },
          ...(method === "POST" && { body: "{}" }),
        });
        await answer.text();
        return answer.status;
      };
      const status = await to("GET /contexts", { "x-access-token": envdToken });
      return {
        delivered: status === 200 ? "there are contexts" : "",
        seen: [
          await to("GET /contexts"),
          await to("POST /contexts/python/restart"),
          await to("DELETE /contexts/python"),
          await to("POST /execute"),
        ].join(" "),
      };
    },
  ),
  server(
    {
      id: "server.credentials-inside",
      tries: "have a server in the sandbox learn the keys and tokens of those who ask it",
      refused: /^no credential$/,
    },
    async ({ server, sandboxId, envdToken, inside }) => {
      const heads = await keepHeads(inside);
      const answer = await fetch(server.url, {
        headers: {
          "e2b-sandbox-id": sandboxId,
          "e2b-sandbox-port": "8400",
          "x-api-key": keys.owner,
          "x-access-token": envdToken,
          authorization: `Bearer ${keys.owner}`,
          "x-other": keys.operator,
          "x-mark": "arrived",
        },
      });
      await answer.text();
      const head = await heads();
      const found = [keys.owner, keys.operator, envdToken].some((each) => head.includes(each));
      return {
        delivered: head.includes("x-mark: arrived") ? "the request arrived inside" : "",
        seen: found ? head : "no credential",
      };
    },
  ),
  server(
    {
      id: "server.host-tricks",
      tries:
        "get another `Host` past `maskRequestHost`: line feeds, folds, absolute form, pipelines",
      refused: /^masked$/,
    },
    async ({ provider }) => {
      const network = { maskRequestHost: "masked.example" };
      await using sandbox = await Sandbox.create({ provider, network });
      const heads = await keepHeads(sandbox);
      const port = Number(new URL(await sandbox.url(8400)).port);
      for (const bytes of hostTricks) await sendBytes(port, bytes);
      await sendBytes(port, "GET /last HTTP/1.1\r\nHost: a\r\n\r\n");
      const seen = await heads();
      return {
        delivered: seen.includes("/last") ? `${hostTricks.length} requests` : "",
        seen: seen.includes("evil") || !seen.includes("masked.example") ? seen : "masked",
      };
    },
  ),
  server(
    {
      id: "server.foreign-metrics",
      tries: "read the figures of all tenants, with a tenant's key or from a web page",
      refused: /^403 401 403$/,
    },
    async ({ server }) => {
      const fromPage = await sendBytes(
        server.port,
        `GET /metrics HTTP/1.1\r\nHost: evil.example\r\nX-API-Key: ${keys.operator}\r\nConnection: close\r\n\r\n`,
      );
      const { status } = await ask(server, "GET /metrics", keys.operator);
      return {
        delivered: status === 200 ? "the operator reads them" : "",
        seen: [
          (await ask(server, "GET /metrics", keys.owner)).status,
          (await ask(server, "GET /metrics", "no-key-at-all")).status,
          fromPage.slice(9, 12),
        ].join(" "),
      };
    },
  ),
  server(
    {
      id: "server.connections",
      tries: "take all connections of a server from one address",
      refused: /^no more than 20 kept; the server answers$/,
    },
    async ({ server }) => {
      const cut = new Set<Socket>();
      const sockets = Array.from({ length: 50 }, () => connect(server.port, "127.0.0.1"));
      for (const socket of sockets)
        socket.on("error", () => {}).once("close", () => cut.add(socket));
      await Promise.all(sockets.map((socket) => once(socket, "connect")));
      const deadline = Date.now() + 10_000;
      while (cut.size < 30 && Date.now() < deadline)
        await new Promise((done) => setTimeout(done, 50));
      const kept = sockets.length - cut.size;
      for (const socket of sockets) socket.destroy();
      const { status } = await askAgain(server);
      return {
        delivered: `${sockets.length} connections`,
        seen: `${kept <= 20 ? "no more than 20" : kept} kept; the server ${status === 200 ? "answers" : "is silent"}`,
      };
    },
  ),
  {
    id: "server.mcp-sessions",
    tries: "end another's MCP session by beginning a hundred",
    refusedBy: "the MCP server",
    refused: /^the session goes on$/,
    async run({ sandbox }) {
      await using mcp = await serveHttp(sandbox, { port: 0, maxSessions: 5 });
      const { session } = await toMcp(mcp.url, initialize);
      const call = {
        jsonrpc: "2.0",
        id: 2,
        method: "tools/call",
        params: { name: "run_code", arguments: { code: "1" } },
      };
      const worked = await toMcp(mcp.url, call, session);
      let begun = 0;
      for (let count = 0; count < 100; count++)
        if ((await toMcp(mcp.url, initialize)).status === 200) begun++;
      const after = await toMcp(mcp.url, { jsonrpc: "2.0", id: 3, method: "tools/list" }, session);
      return {
        delivered: worked.status === 200 && begun > 5 ? `${begun} sessions begun` : "",
        seen: after.status === 200 ? "the session goes on" : `it is answered ${after.status}`,
      };
    },
  },
];

/** Until the connections that were ended are noticed. */
async function askAgain(server: EmberboxServer): Promise<{ status: number }> {
  for (let tries = 0; tries < 20; tries++) {
    const answer = await fetch(`${server.url}/health`).catch(() => undefined);
    await answer?.text();
    if (answer !== undefined) return answer;
    await new Promise((done) => setTimeout(done, 100));
  }
  return { status: 0 };
}
