import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { Sandbox } from "e2b";
import { Agent, fetch, WebSocket } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmberboxServer } from "@emberbox/server";
import { createTestAuthority } from "../../packages/microvm/src/network/testing/servers.ts";
import { sdkOptions, startServer, type SdkOptions } from "../support/server.ts";

/** A web server in the sandbox that echoes bodies, and WebSocket messages of up to 125 bytes. */
const ECHO = `
import asyncio, base64, hashlib, ssl, sys

async def serve(reader, writer):
    head = (await reader.readuntil(b"\\r\\n\\r\\n")).decode()
    headers = dict(line.lower().split(": ", 1) for line in head.split("\\r\\n")[1:] if line)
    if "sec-websocket-key" in headers:
        key = [line for line in head.split("\\r\\n") if line.lower().startswith("sec-websocket-key")][0].split(": ")[1]
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        writer.write(("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: " + accept + "\\r\\n\\r\\n").encode())
        length = (await reader.readexactly(2))[1] & 127
        mask, data = await reader.readexactly(4), await reader.readexactly(length)
        text = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        writer.write(bytes([0x81, length]) + text)
    else:
        writer.write(("HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nX-Host: " + headers["host"] + "\\r\\n\\r\\n").encode())
        if "content-length" in headers:
            writer.write(await reader.readexactly(int(headers["content-length"])))
        while "transfer-encoding" in headers:
            size = int(await reader.readline(), 16)
            writer.write(await reader.readexactly(size))
            await writer.drain()
            await reader.readline()
            if size == 0: break
    await writer.drain()
    writer.close()

async def main():
    tls = None
    if len(sys.argv) > 1:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[1])
    server = await asyncio.start_server(serve, "127.0.0.1", 8400, ssl=tls)
    print("listening", flush=True)
    await server.serve_forever()

asyncio.run(main())
`;

/** With a certificate and its key, it speaks TLS. */
async function startEcho(sandbox: Sandbox, certificate = ""): Promise<void> {
  await sandbox.files.write("/tmp/echo.py", ECHO);
  await sandbox.files.write("/tmp/tls.pem", certificate);
  const listening = Promise.withResolvers<void>();
  const argument = certificate === "" ? "" : "/tmp/tls.pem";
  await sandbox.commands.run(`python3 /tmp/echo.py ${argument}`, {
    background: true,
    timeoutMs: 0,
    onStdout: () => listening.resolve(),
  });
  await listening.promise;
}

describe("over plain HTTP", () => {
  let server: EmberboxServer;
  let options: SdkOptions;
  beforeAll(async () => {
    server = await startServer({ maxSandboxes: 3 });
    options = sdkOptions(server);
  });

  test("it says that it is there, and how busy it is", async () => {
    expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: "ok" });
    const sandbox = await Sandbox.create(options);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('emberbox_sandboxes{state="running"} 1');
    expect(metrics).toMatch(
      /emberbox_request_duration_seconds_count\{kind="control",method="POST",status="2xx"\} 1/,
    );
    expect(metrics).not.toContain(options.apiKey);
    await sandbox.kill();
  });

  test("an SDK waits for a place, and is told when there is none", async () => {
    const made = await Promise.all([1, 2, 3].map(() => Sandbox.create(options)));
    const refused = await fetch(`${server.url}/v2/sandboxes`, {
      method: "POST",
      headers: { "x-api-key": options.apiKey },
      body: JSON.stringify({ templateID: "base" }),
    });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await refused.json()).toMatchObject({ code: 429 });
    // 2.51 tries again by itself.
    const waiting = Sandbox.create(options);
    await made[0]!.kill();
    const last = await waiting;
    await Promise.all([...made.slice(1), last].map((sandbox) => sandbox.kill()));
  });

  test("servers inside may speak TLS, on ports that are said to", async () => {
    const network = { httpsPorts: [8400], maskRequestHost: "inside.example" };
    const sandbox = await Sandbox.create({ ...options, network });
    const authority = await createTestAuthority();
    const { key, cert } = await authority.certify("inside.example");
    await startEcho(sandbox, key + cert);
    const named = (port: number) => ({
      "e2b-sandbox-id": sandbox.sandboxId,
      "e2b-sandbox-port": String(port),
    });
    const answer = await fetch(server.url, {
      ...{ method: "POST", headers: named(8400), duplex: "half" },
      body: new Blob(["over TLS"]).stream(),
    });
    expect(await answer.text()).toBe("over TLS");
    expect(answer.headers.get("x-host")).toBe("inside.example");
    const socket = new WebSocket(server.url.replace("http", "ws"), { headers: named(8400) });
    await once(socket, "open");
    socket.send("hello");
    const [{ data }] = (await once(socket, "message")) as [MessageEvent];
    expect(data).toBe("hello");
    await sandbox.commands.run("python3 -m http.server 8401 --bind 127.0.0.1 > /dev/null", {
      background: true,
    });
    const plain = () => fetch(server.url, { headers: named(8401) });
    await expect.poll(async () => (await plain()).status, { timeout: 60_000 }).toBe(200);
    expect((await sandbox.getInfo()).network).toMatchObject({ httpsPorts: [8400] });
    await sandbox.kill();
  });

  test("traffic that is not public wants its token, and hosts are masked", async () => {
    const network = { allowPublicTraffic: false, maskRequestHost: "inside.example:${PORT}" };
    const sandbox = await Sandbox.create({ ...options, network });
    await startEcho(sandbox);
    const ask = (headers: Record<string, string>) =>
      fetch(server.url, {
        headers: { "e2b-sandbox-id": sandbox.sandboxId, "e2b-sandbox-port": "8400", ...headers },
      });
    const refused = await ask({});
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { sandboxId: sandbox.sandboxId, code: 403 },
    ]);
    expect((await ask({ "e2b-traffic-access-token": "wrong" })).status).toBe(403);
    const answer = await ask({ "e2b-traffic-access-token": sandbox.trafficAccessToken! });
    expect([answer.status, answer.headers.get("x-host")]).toEqual([200, "inside.example:8400"]);
    await sandbox.kill();
  });

  test("bodies stream both ways at once", async () => {
    const sandbox = await Sandbox.create(options);
    await startEcho(sandbox);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const asked = fetch(server.url, {
      method: "POST",
      body: readable,
      duplex: "half",
      headers: { "e2b-sandbox-id": sandbox.sandboxId, "e2b-sandbox-port": "8400" },
    });
    const text = new TextDecoder();
    await writer.write(Buffer.from("first"));
    const reader = (await asked).body!.getReader();
    expect(text.decode((await reader.read()).value)).toBe("first");
    await writer.write(Buffer.from("second"));
    expect(text.decode((await reader.read()).value)).toBe("second");
    await writer.close();
    expect((await reader.read()).done).toBe(true);
    await sandbox.kill();
  });

  test("a client that goes away leaves no sandbox behind", async () => {
    // The next one after a create has to be started: no spare stands by yet.
    const last = await Sandbox.create(options);
    const before = (await Sandbox.list(options).nextItems()).length;
    const controller = new AbortController();
    const creating = Sandbox.create({ ...options, signal: controller.signal });
    setTimeout(() => controller.abort(), 60);
    await expect(creating).rejects.toThrow();
    await expect
      .poll(async () => (await Sandbox.list(options).nextItems()).length, { timeout: 10_000 })
      .toBe(before);
    await last.kill();
  });
});

describe("over TLS, by host names", () => {
  let server: EmberboxServer;
  let sandbox: Sandbox;
  let ca: string;
  let dispatcher: Agent;
  beforeAll(async () => {
    server = await startServer({ tls: "self-signed", domain: "sbx.localhost" });
    ca = readFileSync(server.certificateFile!, "utf8");
    dispatcher = new Agent({ connect: { ca, lookup: toLoopback } });
    const created = await fetch(`https://localhost:${server.port}/v2/sandboxes`, {
      dispatcher,
      method: "POST",
      headers: { "x-api-key": server.apiKey },
      body: JSON.stringify({ templateID: "base", timeout: 600 }),
    });
    expect(created.status).toBe(201);
    const { sandboxID, envdAccessToken } = (await created.json()) as Record<string, string>;
    // The SDK cannot be told to trust a certificate in this process; the rest of it can be used.
    sandbox = { sandboxId: sandboxID, token: envdAccessToken } as never;
  });
  afterAll(() => dispatcher.close());

  const origin = (port: number): string =>
    `https://${port}-${sandbox.sandboxId}.sbx.localhost:${server.port}`;

  test("HTTP/2 reaches the sandbox that the host names", async () => {
    const session = connectHttp2(origin(49983), { ca, lookup: toLoopback as never });
    const ask = (headers: Record<string, string>): Promise<[number, string]> =>
      new Promise((resolve, reject) => {
        const stream = session.request(headers);
        stream.on("error", reject);
        stream.on("response", (answer) => {
          resolve(buffer(stream).then((bytes) => [answer[":status"]!, String(bytes)]));
        });
      });
    await once(session, "connect");
    expect(session.alpnProtocol).toBe("h2");
    expect((await ask({ ":path": "/health" }))[0]).toBe(204);
    const { token } = sandbox as unknown as { token: string };
    const [status, text] = await ask({ ":path": "/metrics", "x-access-token": token });
    expect([status, Object.keys(JSON.parse(text) as object)]).toEqual([
      200,
      expect.arrayContaining(["mem_total"]),
    ]);
    expect((await ask({ ":path": "/metrics" }))[0]).toBe(401);
    session.close();
  });

  test("WebSockets are upgraded", async () => {
    const { token } = sandbox as unknown as { token: string };
    const written = await fetch(`${origin(49983)}/files?path=/tmp/echo.py`, {
      dispatcher,
      method: "POST",
      headers: { "x-access-token": token, "content-type": "application/octet-stream" },
      body: ECHO,
    });
    expect(written.status).toBe(200);
    await fetch(`${origin(49999)}/execute`, {
      dispatcher,
      method: "POST",
      headers: { "x-access-token": token, "content-type": "application/json" },
      body: JSON.stringify({
        code: "import subprocess\np = subprocess.Popen(['python3', '/tmp/echo.py'], stdout=subprocess.PIPE)\np.stdout.readline()",
      }),
    }).then((answer) => answer.text());
    const socket = new WebSocket(`${origin(8400).replace("https", "wss")}/`, { dispatcher });
    const answer = await new Promise((resolve, reject) => {
      socket.addEventListener("open", () => socket.send("through"));
      socket.addEventListener("message", ({ data }) => resolve(data));
      socket.addEventListener("error", ({ error }) => reject(error as Error));
    });
    socket.close();
    expect(answer).toBe("through");
  });
});

const toLoopback: NonNullable<ConstructorParameters<typeof Agent>[0]> extends { connect?: infer C }
  ? Extract<C, { lookup?: unknown }>["lookup"]
  : never = (_host, options, done) => {
  if (options.all) done(null, [{ address: "127.0.0.1", family: 4 }]);
  else done(null, "127.0.0.1", 4);
};
