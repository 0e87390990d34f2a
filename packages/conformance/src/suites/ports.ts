import type { Sandbox } from "@emberbox/core";
import type { Harness } from "../harness.ts";

/** A web server that listens on the sandbox's loopback only: a page, an event stream, and a WebSocket that echoes. */
const SERVER = `
import base64, hashlib, http.server, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"]))[::-1])

    def do_GET(self):
        if self.path == "/events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            for count in range(3):
                self.wfile.write(b"data: %d\\n\\n" % count)
                self.wfile.flush()
                time.sleep(1)
        elif self.path == "/socket":
            key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
            self.end_headers()
            length = self.rfile.read(2)[1] & 127
            mask, data = self.rfile.read(4), self.rfile.read(length)
            text = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))[::-1]
            self.wfile.write(bytes([0x81, len(text)]) + text)
            time.sleep(5)
        else:
            self.answer(("%s %s" % (self.path, self.headers["Host"])).encode())

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 8321), Handler)
print("listening", flush=True)
server.serve_forever()
`;

const WEB_SERVER_PORT = 8321;

/** Starts the web server unless it is running. */
async function startWebServer(sandbox: Sandbox): Promise<void> {
  if (await sandbox.files.exists("/tmp/web.py")) return;
  await sandbox.files.write("/tmp/web.py", SERVER);
  const listening = Promise.withResolvers<void>();
  await sandbox.commands.run("python3 /tmp/web.py", {
    background: true,
    timeoutMs: 0,
    onStdout: (text) => text.includes("listening") && listening.resolve(),
  });
  await listening.promise;
}

export function describePorts(harness: Harness): void {
  const { expect, behaviour, failure, provider, create } = harness;
  /** Checks, and checks again once the network was changed and the sandbox paused, as far as the provider can. */
  const twice = async (sandbox: Sandbox, check: () => Promise<void>): Promise<void> => {
    await startWebServer(sandbox);
    await check();
    const { updateNetwork, pause } = provider().capabilities;
    if (updateNetwork) await sandbox.updateNetwork(false);
    if (pause) {
      await sandbox.pause();
      await sandbox.connect();
    }
    await check();
  };

  behaviour("ports.http", async (sandbox) => {
    await startWebServer(sandbox);
    const url = await sandbox.url(WEB_SERVER_PORT);
    expect(await (await fetch(`${url}/page`)).text()).toBe(`/page ${new URL(url).host}`);
    const posted = await fetch(url, { method: "POST", body: "live" });
    expect(await posted.text()).toBe("evil");
    expect(await sandbox.url(WEB_SERVER_PORT)).toBe(url);
    expect(await sandbox.getHost(WEB_SERVER_PORT)).toBe(new URL(url).host);
  });

  behaviour("ports.events", async (sandbox) => {
    await startWebServer(sandbox);
    const response = await fetch(`${await sandbox.url(WEB_SERVER_PORT)}/events`);
    const started = Date.now();
    const arrivals: number[] = [];
    let text = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      arrivals.push(Date.now() - started);
    }
    expect(text).toBe("data: 0\n\ndata: 1\n\ndata: 2\n\n");
    // Each as it was sent, a second apart, rather than all at the end.
    expect(arrivals.at(-1)! - arrivals[0]!).toBeGreaterThan(1000);
  });

  behaviour("ports.websocket", async (sandbox) => {
    await startWebServer(sandbox);
    const socket = new WebSocket(`ws://${await sandbox.getHost(WEB_SERVER_PORT)}/socket`);
    const answer = await new Promise<string>((resolve, reject) => {
      socket.addEventListener("open", () => socket.send("live"));
      socket.addEventListener("message", ({ data }) => resolve(String(data)));
      socket.addEventListener("error", () => reject(new Error("the WebSocket failed")));
    });
    socket.close();
    expect(answer).toBe("evil");
  });

  behaviour("ports.token", async (open) => {
    expect(open.trafficAccessToken).toBe(undefined);
    await using sandbox = await create({ network: { allowPublicTraffic: false } });
    const token = sandbox.trafficAccessToken!;
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${await sandbox.url(WEB_SERVER_PORT)}/page`, { headers })).status;
    await twice(sandbox, async () => {
      expect(sandbox.trafficAccessToken).toBe(token);
      expect(await status({})).toBe(403);
      expect(await status({ "e2b-traffic-access-token": token.replace(/./, "x") })).toBe(403);
      expect(await status({ "e2b-traffic-access-token": token })).toBe(200);
      expect((await sandbox.runCode("6 * 7")).text).toBe("42");
    });
  });

  behaviour("ports.masked-host", async () => {
    const network = { maskRequestHost: "app.example.com:${PORT}" };
    await using sandbox = await create({ network });
    await twice(sandbox, async () => {
      const page = await fetch(`${await sandbox.url(WEB_SERVER_PORT)}/page`);
      expect(await page.text()).toBe(`/page app.example.com:${WEB_SERVER_PORT}`);
    });
  });

  behaviour("ports.closed", async (sandbox) => {
    const response = await fetch(await sandbox.url(8322));
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ sandboxId: sandbox.sandboxId, port: 8322 });
  });

  behaviour("ports.bad-port", async (sandbox) => {
    for (const port of [0, 65_536, 1.5, "80" as unknown as number]) {
      await failure(sandbox.getHost(port), "invalid_argument");
      await failure(sandbox.url(port), "invalid_argument");
    }
  });
}
