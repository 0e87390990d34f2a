import { setImmediate } from "node:timers/promises";
import { EmberboxError } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import { queueOf } from "@emberbox/core/tools";
import { expect, test } from "vitest";
import { createSandboxSession, type OwnedSandboxSession } from "./create.ts";

const died = new EmberboxError("sandbox_died", "QEMU of /home/mine ended");

/** A session whose sandboxes die on any request. */
function mortal(): {
  readonly session: OwnedSandboxSession;
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
  return { session: createSandboxSession(provider, { onError }), asked, reported };
}

const bytes = new Uint8Array(1);
type Change = (session: OwnedSandboxSession) => Promise<unknown>;
const changes: Record<string, Change> = {
  run: (session) => session.run({ command: "true" }),
  writeBinaryFile: (session) => session.writeBinaryFile({ path: "a", content: bytes }),
  writeTextFile: (session) => session.writeTextFile({ path: "a", content: "" }),
  deleteFile: (session) => session.deleteFile({ path: "a" }),
};
const others: Record<string, Change> = {
  readBinaryFile: (session) => session.readBinaryFile({ path: "a" }),
  stat: (session) => session.stat({ path: "a" }),
  listDirectory: (session) => session.listDirectory({ path: "a" }),
  spawn: (session) => session.spawn({ command: "true" }),
  "writeFile of a stream": (session) =>
    session.writeFile({ path: "a", content: new Blob([bytes]).stream() }),
};

async function askedWhileBusy(call: Change): Promise<number> {
  const { session, asked } = mortal();
  const gate = Promise.withResolvers<void>();
  const { sandbox } = await session.sessions.acquire();
  const held = queueOf(sandbox).run(() => gate.promise);
  const called = call(session).catch(() => {});
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

test.each(Object.entries(others))("%s waits for nothing", async (_name, call) => {
  expect(await askedWhileBusy(call)).toBe(1);
});

test.each(Object.entries({ ...changes, ...others }))(
  "%s: a sandbox that is lost is replaced, without particulars",
  async (_name, call) => {
    const { session, asked, reported } = mortal();
    for (let time = 0; time < 2; time += 1) {
      const error = await call(session).then(undefined, (thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "sandbox_died" });
      expect(String(error)).not.toContain("/home/mine");
    }
    expect(asked).toEqual(["made-1", "made-2"]);
    expect(reported).toEqual([died, died]);
  },
);
