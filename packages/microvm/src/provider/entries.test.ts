import { EmberboxError } from "@emberbox/core";
import { expect, test, vi } from "vitest";
import { resolveCreateOptions } from "../restore/create-options.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import { Entries } from "./entries.ts";

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
  } as unknown as LocalSandbox;
}

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
    const pause = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error("the disk is full"));
    const entries = new Entries({
      open: () => ({ state: { pause } }) as never,
      paused: { delete: async () => false } as never,
      onProgress: hear,
    });
    const sandbox = machine();
    const lifecycle = { onTimeout: "pause" } as const;
    const entry = await entries.add(
      sandbox,
      resolveCreateOptions({ timeoutMs: 60_000, lifecycle }),
    );
    const before = Date.now();
    await entries.expired(entry, 60_000);
    expect(entries.running("itest")).toBe(entry);
    expect(entry.endAt.getTime()).toBeLessThan(before + 40_000);
    await entries.expired(entry, 30_000);
    expect(entry.isPaused).toBe(true);
  },
);

test("a pause is no end; a kill is, and what happens by itself", async () => {
  const entries = new Entries({
    open: () => ({ state: { pause: async () => {} } }) as never,
    paused: { delete: async () => true, find: async () => undefined } as never,
  });
  const entry = await entries.add(machine(), resolveCreateOptions({}));
  const { ended } = entry.connection();
  await entries.pause("itest", { keepMemory: true });
  expect(ended?.aborted).toBe(false);
  entry.run(machine());
  expect(entry.connection().ended).toBe(ended);
  await entries.kill("itest");
  expect(ended?.reason).toMatchObject({ code: "sandbox_closed" });

  const mortal = machine();
  const connection = (await entries.add(mortal, resolveCreateOptions({}))).connection();
  await mortal.close(new EmberboxError("sandbox_died", "the machine ended"));
  await vi.waitFor(() => expect(connection.ended?.aborted).toBe(true));
  expect(connection.ended?.reason).toBe(connection.gone());
});
