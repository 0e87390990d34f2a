import { createServer, type RequestListener } from "node:http";
import { duplexPair } from "node:stream";

/** What a first call usually is: the agent's own code runs once for each. */
const CALLS = [
  "1+1",
  "print('hello')\nimport sys; print('hello', file=sys.stderr)",
  "1/0",
  "print('x' * 100000)",
];

/** Sends calls through the whole way of a real one, so nothing on it runs for the first time in a sandbox. */
export async function warmCalls(handler: RequestListener): Promise<void> {
  const server = createServer(handler);
  for (let round = 0; round < 3; round++) {
    for (const code of CALLS)
      await call(server, JSON.stringify({ code, timeout_ms: 60_000, env_vars: { WARM: "1" } }));
  }
}

async function call(server: ReturnType<typeof createServer>, body: string): Promise<void> {
  const [mine, theirs] = duplexPair();
  server.emit("connection", theirs);
  const head =
    "POST /execute HTTP/1.1\r\nHost: warm\r\nContent-Type: application/json\r\nConnection: close\r\n";
  mine.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  for await (const _ of mine) void _;
}
