import { setImmediate } from "node:timers/promises";
import { EmberboxError } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import { queueOf } from "@emberbox/core/tools";
import { expect, test } from "vitest";
import { inToolCall } from "../checkpoints/tool-call.ts";
import { createSandboxBackend, type SandboxBackend } from "./backend.ts";

const died = new EmberboxError("sandbox_died", "QEMU of /home/mine ended");

/** A backend whose sandboxes die on any request. */
function mortal(): {
  readonly backend: SandboxBackend;
  readonly asked: string[];
  readonly reported: unknown[];
} {
  let made = 0;
  const asked: string[] = [];
  const provider = {
    name: "mortal",
    capabilities: {},
    create: async () => {
      const sandboxId = `made-${(made += 1)}`;
      const endpoint = (): never => {
        asked.push(sandboxId);
        throw died;
      };
      return { sandboxId, gone: () => undefined, endpoint };
    },
  } as unknown as SandboxProvider;
  const reported: unknown[] = [];
  const onError = (error: unknown): void => void reported.push(error);
  return { backend: createSandboxBackend(provider, { onError }), asked, reported };
}

type Operation = (backend: SandboxBackend) => Promise<unknown>;
const changes: Record<string, Operation> = {
  execute: (backend) => backend.execute("true"),
  write: (backend) => backend.write("/a", ""),
  edit: (backend) => backend.edit("/a", "a", "b"),
  delete: (backend) => backend.delete("/a"),
  uploadFiles: (backend) => backend.uploadFiles([["/a", new Uint8Array(1)]]),
};
const reads: Record<string, Operation> = {
  ls: (backend) => backend.ls("/"),
  read: (backend) => backend.read("/a"),
  readRaw: (backend) => backend.readRaw("/a"),
  grep: (backend) => backend.grep("a"),
  glob: (backend) => backend.glob("*"),
  downloadFiles: (backend) => backend.downloadFiles(["/a"]),
};

async function askedWhileBusy(operation: Operation): Promise<number> {
  const { backend, asked } = mortal();
  const gate = Promise.withResolvers<void>();
  const { sandbox } = await backend.sessions.acquire();
  const held = queueOf(sandbox).run(() => gate.promise);
  const called = operation(backend);
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  const before = asked.length;
  gate.resolve();
  await Promise.all([held, called]);
  expect(asked).toHaveLength(1);
  return before;
}

test.each(Object.entries(changes))("%s waits for what was asked before", async (_name, call) => {
  expect(await askedWhileBusy(call)).toBe(0);
});

test.each(Object.entries(reads))("%s waits for nothing", async (_name, call) => {
  expect(await askedWhileBusy(call)).toBe(1);
});

test.each(Object.entries({ ...changes, ...reads }))(
  "%s: a sandbox that is lost is replaced, without particulars",
  async (_name, operation) => {
    const { backend, asked, reported } = mortal();
    const first = JSON.stringify(await operation(backend));
    expect(first).toContain("The sandbox ended unexpectedly");
    expect(first).not.toContain("/home/mine");
    expect(JSON.stringify(await operation(backend))).toContain("is gone");
    expect(asked).toEqual(["made-1", "made-2"]);
    expect(reported).toEqual([died, died]);
  },
);

test("a thread's files can be given and closed from outside of a run", async () => {
  const { backend, asked } = mortal();
  const thread = backend.thread("t");
  expect(thread.isRunning).toBe(false);
  using lease = await backend.sessions.acquire("t");
  expect(lease.sandbox.sandboxId).toBe("made-1");
  expect([thread.isRunning, backend.isRunning]).toEqual([true, false]);
  await thread.uploadFiles([["/a", new Uint8Array(1)]]);
  expect(asked).toEqual(["made-1"]);
});

test("files that go to another sandbox than a thread's do not go there silently", async () => {
  const { backend, reported } = mortal();
  using lease = await backend.sessions.acquire();
  expect(lease.sandbox.sandboxId).toBe("made-1");
  await backend.thread("t").ls("/");
  expect(reported).toContainEqual(
    expect.objectContaining({ hint: expect.stringContaining("backend.thread(id)") }),
  );
});

test("a call that failed says where the machine is then, since it may have changed something", async () => {
  let made = 0;
  const provider = {
    name: "failing",
    capabilities: { checkpoints: true },
    create: async () => ({
      sandboxId: "one",
      gone: () => undefined,
      endpoint: () => {
        throw new EmberboxError("timeout", "It took too long");
      },
    }),
    createCheckpoint: async (sandboxId: string) => {
      made += 1;
      return { sandboxId, checkpointId: `c${made}`, createdAt: new Date(made) };
    },
    listCheckpoints: async () => [],
  } as unknown as SandboxProvider;
  const backend = createSandboxBackend(provider, { checkpoints: "each-call" });
  const position = await inToolCall({ toolCallId: "1", place: undefined }, async (call) => {
    expect(await backend.delete("/a")).toHaveProperty("error");
    return call.position;
  });
  expect(position).toMatchObject({ checkpointId: "c2" });
});
