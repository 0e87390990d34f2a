import { EmberboxError } from "@emberbox/core";
import { expect, test, vi } from "vitest";
import { resolveCreateOptions } from "../restore/create-options.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import type { Manifest } from "../saved/manifest.ts";
import { KnownSandboxes, type KnownSandboxesOptions } from "./known-sandboxes.ts";

/** A stand-in for a machine that only knows whether it is running. */
function machine(): LocalSandbox {
  const { promise, resolve } = Promise.withResolvers<void>();
  let gone: EmberboxError | undefined;
  const close = async (reason: EmberboxError): Promise<void> => {
    gone = reason;
    resolve();
  };
  return {
    ...{ sandboxId: "itest", accessToken: "token", ended: promise, close, gone: () => gone },
    endpoint: () => ({ origin: "http://sandbox" }),
  } as unknown as LocalSandbox;
}

/** Sandboxes on a disk that is a set of ids. `saving` is what a pause waits for, before it has saved one. */
function onDisk(saving: () => Promise<void> = async () => {}): {
  readonly disk: Set<string>;
  readonly options: KnownSandboxesOptions;
} {
  const disk = new Set<string>();
  const state = {
    async pause({ sandboxId }: LocalSandbox) {
      await saving();
      disk.add(sandboxId);
    },
    async resume(sandboxId: string, { access }: { access: unknown }) {
      if (!disk.delete(sandboxId)) return undefined;
      return { sandbox: machine(), details: { startedAt: 0, options: { access } } };
    },
  };
  const paused = {
    find: async (id: string) => (disk.has(id) ? ({} as Manifest) : undefined),
    has: async (id: string) => disk.has(id),
    delete: async (id: string) => disk.delete(id),
  };
  const checkpoints = { adopt: async () => {}, clear: async () => {} };
  const kept = { paused: paused as never, checkpoints: checkpoints as never };
  return { disk, options: { open: () => ({ state }) as never, ...kept } };
}

const resuming = { onTimeout: "pause", autoResume: true } as const;

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
])(
  "a sandbox that cannot be paused is tried again, when who hears of it %s",
  async (_how, hear) => {
    const saving = vi
      .fn<() => Promise<void>>()
      .mockRejectedValueOnce(new Error("the disk is full"));
    const { options } = onDisk(saving);
    const sandboxes = new KnownSandboxes({ ...options, onProgress: hear });
    const lifecycle = { onTimeout: "pause" } as const;
    const created = resolveCreateOptions({ timeoutMs: 60_000, lifecycle });
    const known = await sandboxes.add(machine(), created);
    const before = Date.now();
    await sandboxes.expired(known, 60_000);
    expect(sandboxes.running("itest")).toBe(known);
    expect(known.state.is).toBe("running");
    expect(known.running!.endAt.getTime()).toBeLessThan(before + 40_000);
    await sandboxes.expired(known, 30_000);
    expect(known.state.is).toBe("paused");
  },
);

test("a pause is no end; a kill is, and what happens by itself", async () => {
  const sandboxes = new KnownSandboxes(onDisk().options);
  const known = await sandboxes.add(machine(), resolveCreateOptions({}));
  const { ended } = known.connection();
  await sandboxes.pause("itest", { keepMemory: true });
  expect(ended?.aborted).toBe(false);
  expect(known.connection().gone()).toMatchObject({ code: "sandbox_paused" });
  expect(await sandboxes.resume("itest", { timeoutMs: 1000 })).toBe(known);
  expect(known.connection().ended).toBe(ended);
  expect(known.connection().gone()).toBeUndefined();
  await sandboxes.kill("itest");
  expect(ended?.reason).toMatchObject({ code: "sandbox_closed" });

  const mortal = machine();
  const connection = (await sandboxes.add(mortal, resolveCreateOptions({}))).connection();
  await mortal.close(new EmberboxError("sandbox_died", "the machine ended"));
  await vi.waitFor(() => expect(connection.ended?.aborted).toBe(true));
  expect(connection.ended?.reason).toBe(connection.gone());
  expect(sandboxes.running("itest")).toBeUndefined();
});

test.each(["is saved all the same", "fails"])(
  "a sandbox that is killed while it is paused, which %s, is gone for good",
  async (how) => {
    const saving = Promise.withResolvers<void>();
    const { disk, options } = onDisk(() => saving.promise);
    const sandboxes = new KnownSandboxes(options);
    const created = resolveCreateOptions({ lifecycle: resuming });
    const known = await sandboxes.add(machine(), created);
    const pausing = sandboxes.pause("itest", { keepMemory: true });
    await vi.waitFor(() => expect(known.state.is).toBe("pausing"));
    const killing = sandboxes.kill("itest");
    if (how === "fails") saving.reject(new Error("its machine ended"));
    else saving.resolve();
    await Promise.allSettled([pausing]);
    expect(await killing).toBe(true);
    expect(disk.size).toBe(0);
    expect(known.state).toMatchObject({ is: "gone", why: { message: "the sandbox was killed" } });
    expect(known.connection().gone()).toMatchObject({ code: "sandbox_closed" });
    await expect(sandboxes.info("itest")).rejects.toMatchObject({ code: "sandbox_not_found" });
  },
);

test("a request that comes while a sandbox is being paused has it resumed", async () => {
  const saving = Promise.withResolvers<void>();
  const { disk, options } = onDisk(() => saving.promise);
  const sandboxes = new KnownSandboxes(options);
  const created = resolveCreateOptions({ lifecycle: resuming });
  const known = await sandboxes.add(machine(), created);
  const connection = known.connection();
  const pausing = sandboxes.pause("itest", { keepMemory: true });
  await vi.waitFor(() => expect(known.state.is).toBe("pausing"));
  const ready = connection.ready!();
  saving.resolve();
  await Promise.all([pausing, ready]);
  expect(known.state.is).toBe("running");
  expect(disk.size).toBe(0);
  expect(connection.ended?.aborted).toBe(false);
  // Its network, with its secrets, is what it was.
  expect(known.running!.access).toBe(created.access);
  await sandboxes.close();
  expect(connection.ended?.reason).toMatchObject({ message: "this provider was closed" });
});
