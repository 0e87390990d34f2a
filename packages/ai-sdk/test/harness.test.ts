import type { HarnessV1NetworkSandboxSession, HarnessV1SandboxProvider } from "@ai-sdk/harness";
import { HarnessAgent, prepareHarnessSandboxTemplate } from "@ai-sdk/harness/agent";
import { microvm } from "@emberbox/microvm";
import type { Experimental_SandboxSession } from "ai";
import { afterAll, expect, test } from "vitest";
import { createEmberboxSandbox } from "../src/harness/index.ts";
import { shellHarness } from "./support/shell-harness.ts";

const provider = microvm();
afterAll(async () => {
  for (const { snapshotId, names } of await provider.listSnapshots!()) {
    const ours = names.some((name) => name.startsWith("harness-"));
    if (ours) await provider.deleteSnapshot!(snapshotId);
  }
  await provider[Symbol.asyncDispose]();
});

const sandboxes: HarnessV1SandboxProvider = createEmberboxSandbox(provider, { ports: [8000] });
const running = async (): Promise<number> =>
  (await provider.list()).filter(({ state }) => state === "running").length;
const sh = async (session: Pick<Experimental_SandboxSession, "run">, command: string) =>
  (await session.run({ command })).stdout;

test("what is done first is done once for an identity, and each session starts from it", async () => {
  const identity = `test-${Date.now()}`;
  let times = 0;
  const create = (): PromiseLike<HarnessV1NetworkSandboxSession> =>
    sandboxes.createSession({
      identity,
      onFirstCreate: async (session) => {
        times += 1;
        await session.writeTextFile({ path: "prepared", content: "yes" });
      },
    });
  const [one, two] = await Promise.all([create(), create()]);
  try {
    expect(times).toBe(1);
    expect(one.id).not.toBe(two.id);
    await one.writeTextFile({ path: "mine", content: "" });
    expect(await sh(one, "cat prepared; ls")).toBe("yesmine\nprepared\n");
    expect(await sh(two, "cat prepared; ls")).toBe("yesprepared\n");
  } finally {
    await Promise.all([one.destroy(), two.stop()]);
  }
  // A sandbox that nobody can resume is not kept.
  expect((await provider.list()).length).toBe(0);
});

test("an agent of the SDK's harness starts from what was prepared, and goes on after a stop", async () => {
  await prepareHarnessSandboxTemplate({ harness: shellHarness, sandboxProvider: sandboxes });
  expect((await provider.list()).length).toBe(0);
  const agent = new HarnessAgent({ harness: shellHarness, sandbox: sandboxes });
  const first = await agent.createSession();
  const ask = async (session: typeof first, prompt: string): Promise<string> =>
    (await agent.generate({ session, prompt })).text;
  expect(await ask(first, "cat ~/.shell-harness/greeting; touch kept")).toBe("hello");
  expect(await ask(first, "wc -l < ~/.shell-harness/prepared")).toBe("1\n");
  const { sessionId } = first;
  const resumeFrom = await first.stop();
  expect(await running()).toBe(0);
  const second = await agent.createSession({ sessionId, resumeFrom });
  expect(await ask(second, "ls")).toBe("kept\n");
  await second.destroy();
  expect((await provider.list()).length).toBe(0);
});

test("a session that was stopped goes on where it was, and is destroyed either way", async () => {
  const sessionId = `session-${Date.now()}`;
  const session = await sandboxes.createSession({ sessionId });
  expect(session.id).toBe(sessionId);
  await session.run({ command: "nohup sleep 600.5 > /dev/null 2>&1 & echo $! > pid" });
  await session.stop();
  await session.stop();
  expect(await running()).toBe(0);
  const resumed = await sandboxes.resumeSession!({ sessionId });
  expect(resumed.id).toBe(sessionId);
  expect(await sh(resumed, "ps -o args= -p $(cat pid)")).toBe("sleep 600.5\n");
  await resumed.stop();
  await resumed.destroy();
  await resumed.destroy();
  await expect(sandboxes.resumeSession!({ sessionId })).rejects.toThrow("no sandbox");
});

test("ports are reached, the network is what was said, and the narrow view has neither", async () => {
  const session = await sandboxes.createSession();
  try {
    expect(session.defaultWorkingDirectory).toBe("/home/user");
    expect(session.ports).toEqual([8000]);
    await session.writeTextFile({ path: "www/index.html", content: "served" });
    await session.spawn({ command: "python3 -m http.server 8000", workingDirectory: "www" });
    const { url } = await session.getPortEndpoint({ port: 8000 });
    await expect
      .poll(async () => (await fetch(url).catch(() => undefined))?.text(), { timeout: 20_000 })
      .toBe("served");
    expect((await session.getPortEndpoint({ port: 8000, protocol: "ws" })).url).toMatch(/^ws:/);
    await session.setNetworkPolicy!({ mode: "deny-all" });
    expect(await sh(session, "curl -sSf -m 5 https://example.com; echo $?")).toMatch(/[1-9]\d*\n$/);
    const mode = "custom";
    const policy = { mode, allowedHosts: ["a.example"], deniedCIDRs: ["8.8.0.0/16"] } as const;
    await expect(session.setNetworkPolicy!(policy)).rejects.toThrow("deniedCIDRs");
    await session.setPorts!([8001]);
    expect(session.ports).toEqual([8001]);
    await expect(session.getPortEndpoint({ port: 8000 })).rejects.toThrow("not one of: 8001");
    await session.getPortEndpoint({ port: 8001 });
    await expect(session.setPorts!([0])).rejects.toThrow("`ports`");
    const narrow = session.restricted();
    expect(Object.keys(narrow)).not.toContain("destroy");
    expect(await narrow.readTextFile({ path: "www/index.html" })).toBe("served");
  } finally {
    await session.destroy();
  }
});

test("preparing that fails leaves nothing, and the next session tries again", async () => {
  const options = {
    identity: `failing-${Date.now()}`,
    onFirstCreate: () => Promise.reject(new Error("no such package")),
  };
  const before = await running();
  await expect(sandboxes.createSession(options)).rejects.toThrow("no such package");
  await expect(sandboxes.createSession(options)).rejects.toThrow("no such package");
  expect(await running()).toBe(before);
});
