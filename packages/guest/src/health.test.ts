import { once } from "node:events";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { answerHealth } from "./health.ts";

it("tells programs in the machine that the agent is there, and nothing more", async () => {
  const asked: string[] = [];
  const agent: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(204).end();
  };
  const server = answerHealth(0, agent);
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const ask = (path: string, method: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { method });
  expect((await ask("/health", "GET")).status).toBe(204);
  for (const [method, path] of [
    ["POST", "/health"],
    ["GET", "/health/../metrics"],
    ["GET", "//health"],
    ["POST", "/process.Process/Start"],
    ["POST", "/execute"],
    ["GET", "/files?path=/etc/shadow"],
  ] as const) {
    const answer = await ask(path, method);
    expect([path, answer.status, await answer.json()]).toEqual([
      path,
      401,
      { code: 401, message: expect.stringContaining("/health") },
    ]);
  }
  expect(asked).toEqual(["GET /health"]);
});
