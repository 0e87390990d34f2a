import { expect, test } from "vitest";
import { createSandboxBackend } from "./deepagents/index.ts";
import { createSandboxMiddleware } from "./middleware/index.ts";

test.each([
  [() => createSandboxMiddleware(undefined, { scope: "user" as never }), "`scope` option"],
  [() => createSandboxMiddleware({ memoryMb: 5 } as never), "Unknown option `memoryMb`"],
  [() => createSandboxBackend(undefined, { timeoutMs: 0 }), "`timeoutMs` option"],
  [() => createSandboxBackend({ timeoutMs: -1 }), "`timeoutMs` option"],
])("options are checked when things are made, %#", (make, message) => {
  expect(make).toThrow(message);
});
