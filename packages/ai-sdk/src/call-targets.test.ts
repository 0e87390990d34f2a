import { SandboxTools } from "@emberbox/core/tools";
import { expect, test } from "vitest";
import { CallTargets } from "./call-targets.ts";
import { createSandboxSession } from "./session/index.ts";

test("tools that were given nothing work in the sandbox of the call, others in theirs", async () => {
  await using call = createSandboxSession(undefined, { threadId: "call" });
  await using own = createSandboxSession(undefined, { threadId: "own" });
  const elsewhere = { run: () => undefined };
  const free = new CallTargets(SandboxTools, undefined, {});
  expect(free.of(call).tools.sessions).toBe(call.sessions);
  expect(free.of(call).threadId).toBe("call");
  expect(free.of(call).tools).toBe(free.of(call).tools);
  expect(free.of(elsewhere)).toEqual({ tools: free.tools, threadId: undefined });
  expect(free.of(undefined).tools).toBe(free.tools);

  const bound = new CallTargets(SandboxTools, own, {});
  expect(bound.of(call).tools.sessions).toBe(own.sessions);
  expect(bound.of(call).threadId).toBe("own");
  const other = createSandboxSession(own, { threadId: "other" });
  expect(bound.of(other)).toEqual({ tools: bound.tools, threadId: "other" });
});
