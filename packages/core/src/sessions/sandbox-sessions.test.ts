import { expect, test } from "vitest";
import type { SandboxProvider } from "../provider.ts";
import { SandboxSessions } from "./sandbox-sessions.ts";

const provider = {
  name: "none",
  capabilities: {},
  create: () => Promise.reject(new Error("none")),
} as unknown as SandboxProvider;

test.each([
  [
    "throws",
    () => {
      throw new Error("mine");
    },
  ],
  [
    "rejects",
    async () => {
      throw new Error("mine");
    },
  ],
])("an `onError` that %s stops nothing, and goes on hearing", async (_how, fail) => {
  const heard: unknown[] = [];
  const onError = (error: unknown): unknown => {
    heard.push(error);
    return fail();
  };
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  await using sessions = new SandboxSessions({ provider }, { onError });
  for (const failure of ["first", "second"]) sessions.report(failure);
  expect((await warned).message).toBe("The callback `onError` failed: mine");
  expect(heard).toEqual(["first", "second"]);
});
