import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { e2b, EmberboxError } from "@emberbox/core";
import { expect, onTestFinished, test } from "vitest";
import { hostileCalls } from "./hostile-arguments.ts";

test("arguments of the wrong form are refused before a service hears of them", async () => {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`);
    response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using provider = e2b({ apiKey: `e2b_${"7".repeat(40)}`, apiUrl });
  const calls = hostileCalls(provider, "isome");
  expect(calls.length).toBeGreaterThan(300);
  for (const [what, call] of calls) {
    const error = await Promise.resolve(call()).catch((reason: unknown) => reason);
    expect(EmberboxError.isInstance(error) ? error.code : error, what).toBe("invalid_argument");
  }
  expect(heard).toEqual([]);
});
