import { Sandbox } from "@emberbox/core";
import type { SandboxConnection, SandboxProvider } from "@emberbox/core/provider";
import { expect, test } from "vitest";
import { createSandboxTools } from "../index.ts";
import { createNativeExecutors } from "../native/index.ts";
import { createSandboxSession } from "../session/index.ts";
import { reachable } from "../testing/reachable.ts";
import { networkSession } from "./network-session.ts";
import { NetworkState } from "./network-state.ts";

const OWNERS = [
  "kill",
  "updateNetwork",
  "pause",
  "createSnapshot",
  "fork",
  "setTimeout",
  "getHost",
];

const connection: SandboxConnection = {
  sandboxId: "restricted",
  endpoint: () => {
    throw new Error("nothing is sent here");
  },
  gone: () => undefined,
};
const calls: string[] = [];
const provider = {
  name: "recording",
  capabilities: { network: true, updateNetwork: true, requestRules: true, pause: true },
  create: async () => connection,
  kill: async () => Boolean(calls.push("kill")),
  updateNetwork: async () => void calls.push("updateNetwork"),
} as unknown as SandboxProvider;
const sandbox = new Sandbox(connection, provider);
const session = networkSession(sandbox, {
  id: "1",
  ports: [8000],
  network: new NetworkState(true),
  resumable: false,
  provider,
});

/** Which of the owner's methods are found among these objects. */
function ownersPart(objects: Iterable<object>): string[] {
  return [...objects].flatMap((object) => {
    if (object === sandbox || object === provider || object === connection) return ["the sandbox"];
    const has = (name: string): boolean =>
      typeof Object.getOwnPropertyDescriptor(object, name)?.value === "function";
    // Whoever uses the sandbox may kill processes.
    const ofProcesses = ["wait", "sendStdin", "sendInput"].some(has);
    return OWNERS.filter((name) => has(name) && !(ofProcesses && name === "kill"));
  });
}

test("the owner's session reaches what is the owner's, so that the search can find it", () => {
  expect(ownersPart(reachable(session))).toContain("the sandbox");
});

test("a restricted session leads to nothing that is the owner's, and nothing can be put into it", () => {
  const narrow = session.restricted();
  expect(Object.isFrozen(narrow)).toBe(true);
  expect(Object.values(narrow).every((part) => ["function", "string"].includes(typeof part))).toBe(
    true,
  );
  expect(ownersPart(reachable(narrow))).toEqual([]);
});

test("nor does anything that this package makes of one", async () => {
  const narrow = session.restricted();
  const made = createSandboxSession(narrow);
  const lease = await made.sessions.acquire();
  for (const part of [made, createSandboxTools(narrow), createNativeExecutors(narrow), lease]) {
    expect(ownersPart(reachable(part))).toEqual([]);
  }
  await made[Symbol.asyncDispose]();
  await made.sessions.close();
  expect(() => lease.sandbox.kill()).toThrow(TypeError);
  expect(calls).toEqual([]);
});
