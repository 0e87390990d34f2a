import { createServer, type RequestListener, type Server } from "node:http";
import { duplexPair } from "node:stream";

/** Typical first calls: the agent's own code runs once for each. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  python: [
    "1+1",
    "print('hello')\nimport sys; print('hello', file=sys.stderr)",
    "1/0",
    "print('x' * 100000)",
  ],
  // None of them declares anything: V8 cannot undo a declaration.
  javascript: [
    "1+1",
    "console.log('hello'); console.error('hello', { a: [1] })",
    "await import('node:fs/promises'); [{ a: 1 }]",
    "null.x",
    "console.log('x'.repeat(100000))",
  ],
};

/**
 * Sends calls in these languages along the whole path of a real one, so that nothing on it runs for the first time in a sandbox.
 *
 * @throws Error when a call is not served.
 */
export async function warmCalls(
  handler: RequestListener,
  languages: readonly string[],
): Promise<void> {
  const server = createServer(handler);
  for (let round = 0; round < 3; round++) {
    for (const language of languages) {
      for (const code of CALLS[language]!) {
        const body = JSON.stringify({
          code,
          language,
          timeout_ms: 60_000,
          env_vars: { WARM: "1" },
        });
        const answer = await call(server, body);
        if (!answer.includes("end_of_execution")) throw new Error(`a first call failed: ${answer}`);
      }
    }
  }
}

async function call(server: Server, body: string): Promise<string> {
  const [mine, theirs] = duplexPair();
  server.emit("connection", theirs);
  const head = `POST /execute HTTP/1.1\r\nHost: warm\r\nConnection: close\r\n`;
  mine.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  let answer = "";
  for await (const chunk of mine) answer += chunk;
  return answer;
}
