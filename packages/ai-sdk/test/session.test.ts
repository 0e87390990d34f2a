import { setTimeout as sleep } from "node:timers/promises";
import { EmberboxError } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import { microvm } from "@emberbox/microvm";
import { afterAll, expect, test } from "vitest";
import { createSandboxSession } from "../src/session/index.ts";
import { describeSandboxSession } from "../src/testing/index.ts";

const provider = microvm();
const session = createSandboxSession(provider);
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

const sh = async (command: string): Promise<string> => (await session.run({ command })).stdout;
const all = async (stream: ReadableStream<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};
const same = (error: unknown) => error;

describeSandboxSession("Emberbox", () => createSandboxSession(provider));

test("other encodings are read and written, and one that is not known is refused", async () => {
  await session.writeTextFile({ path: "a/c/../latin.txt", content: "é", encoding: "latin1" });
  expect(await sh("od -An -tx1 a/latin.txt")).toBe(" e9\n");
  const path = "/home/user/a/latin.txt";
  expect(await session.readTextFile({ path, encoding: "latin1" })).toBe("é");
  await expect(session.readTextFile({ path, encoding: "klingon" })).rejects.toThrow("klingon");
  await expect(session.readTextFile({ path: "/tmp" })).rejects.toThrow("directory");
  await expect(session.readTextFile({ path: "" })).rejects.toThrow("empty");
});

test("a command that is killed, or needs too much memory, is a result", async () => {
  expect((await session.run({ command: "kill -9 $$" })).exitCode).toBe(137);
  const hungry = "python3 -c 'x = bytearray(3 << 30); x[::4096] = b\"1\" * len(x[::4096])'";
  const { exitCode, stderr } = await session.run({ command: `echo begun; ${hungry}` });
  expect(exitCode).not.toBe(0);
  expect(stderr).toMatch(/memory|Killed/i);
});

test("a reader may come late: what is kept for it is bounded, and what is lost is said", async () => {
  const child = await session.spawn({ command: "head -c 3000000 /dev/zero; echo x >&2" });
  expect(child.pid).toBeGreaterThan(0);
  expect(await child.wait()).toEqual({ exitCode: 0 });
  expect((await all(child.stdout)).length).toBe(3_000_000);
  const loud = await session.spawn({ command: "head -c 12000000 /dev/zero; exit 5" });
  expect(await loud.wait()).toEqual({ exitCode: 5 });
  await expect(all(loud.stdout)).rejects.toThrow("the rest is lost");
  const slow = await session.spawn({ command: "head -c 10000000 /dev/zero" });
  let size = 0;
  for await (const chunk of slow.stdout) {
    if (size === 0) await sleep(1000);
    size += chunk.length;
  }
  expect(size).toBe(10_000_000);
});

test("a killed process ends like one of a shell; an aborted one's streams have the reason", async () => {
  const killed = await session.spawn({ command: "sleep 62" });
  await killed.kill();
  expect((await killed.wait()).exitCode).toBe(137);
  const abortSignal = AbortSignal.timeout(1500);
  const aborted = await session.spawn({ command: "echo on; sleep 62", abortSignal });
  expect(await aborted.wait().catch(same)).toBe(abortSignal.reason);
  expect(await all(aborted.stdout).catch(same)).toBe(abortSignal.reason);
});

test("a sandbox that is gone is replaced, and the next command says so", async () => {
  await using mortal = createSandboxSession(provider);
  await mortal.writeTextFile({ path: "kept", content: "" });
  await provider.kill(mortal.sessions.sandboxId()!);
  expect((await mortal.run({ command: "ls" })).stderr).toContain("is gone");
  expect((await mortal.run({ command: "ls" })).stderr).toBe("");
});

test("what names places on the host stays with the developer", async () => {
  const heard: unknown[] = [];
  const missing = new EmberboxError("qemu_missing", "no QEMU below /secret/place");
  const failing: SandboxProvider = { ...provider, create: () => Promise.reject(missing) };
  await using broken = createSandboxSession(failing, { onError: (error) => heard.push(error) });
  const error = await broken.run({ command: "true" }).then(undefined, (thrown: Error) => thrown);
  expect(error).toMatchObject({ code: "qemu_missing" });
  expect(String(error)).not.toContain("/secret/place");
  expect(heard).toEqual([missing]);
});
