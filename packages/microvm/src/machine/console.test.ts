import { PassThrough } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { recordConsole } from "./console.ts";

test("why the agent gave up is found before the kernel's panic", async () => {
  const stream = new PassThrough();
  const console = recordConsole(stream);
  expect(console.agentFailure()).toBeUndefined();
  stream.write("emberbox: the agent failed: Error: Python did not start\u001B[31m in 900 s\n");
  stream.write("    at start (agent.mjs:1:1)\n");
  stream.write(`Kernel panic - not syncing\n${"RSP: 0018\n".repeat(100)}`);
  await setImmediate();
  expect(console.agentFailure()).toBe("Error: Python did not start in 900 s");
  expect(console.tail()).not.toContain("Python");
});
