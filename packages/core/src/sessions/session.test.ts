import { expect, test } from "vitest";
import type { ErrorCode } from "../error-codes.ts";
import { EmberboxError } from "../errors.ts";
import type { SandboxProvider } from "../provider.ts";
import { SandboxSessions } from "./sandbox-sessions.ts";

const connection = (sandboxId: string): object => ({ sandboxId, gone: () => undefined });

/** Sandboxes that are paused after each use and resume as `connect` does. */
function pausing(connect: (signal: AbortSignal | undefined) => Promise<never>): {
  readonly sessions: SandboxSessions;
  readonly reported: unknown[];
  readonly killed: string[];
} {
  let made = 0;
  const killed: string[] = [];
  const provider = {
    name: "fake",
    capabilities: { pause: true },
    create: async () => connection(`made-${(made += 1)}`),
    connect: (_id: string, { signal }: { signal?: AbortSignal }) => connect(signal),
    pause: async () => true,
    kill: async (id: string) => killed.push(id) > 0,
  } as unknown as SandboxProvider;
  const reported: unknown[] = [];
  const sessions = new SandboxSessions(provider, {
    onIdle: "pause",
    idleTimeoutMs: 1,
    onError: (error) => reported.push(error),
  });
  return { sessions, reported, killed };
}

async function useAndPause(sessions: SandboxSessions): Promise<void> {
  (await sessions.acquire())[Symbol.dispose]();
  await new Promise((resolve) => setTimeout(resolve, 20));
}

const refuse = (code: ErrorCode) => () => Promise.reject(new EmberboxError(code, "no"));

test.each<ErrorCode>([
  "sandbox_not_found",
  "sandbox_closed",
  "snapshot_damaged",
  "snapshot_incompatible",
])("a paused sandbox that answers %s is replaced, and both sides are told", async (code) => {
  const { sessions, reported } = pausing(refuse(code));
  await useAndPause(sessions);
  const { sandbox, lost } = await sessions.acquire();
  expect(sandbox.sandboxId).toBe("made-2");
  expect(lost).toMatch(/paused/);
  expect(reported).toMatchObject([{ code }]);
});

test.each<ErrorCode>(["sandbox_died", "connection_failed", "host_out_of_memory"])(
  "a paused sandbox that answers %s is still there for the next try",
  async (code) => {
    const { sessions } = pausing(refuse(code));
    await useAndPause(sessions);
    await expect(sessions.acquire()).rejects.toMatchObject({ code });
    expect(sessions.sandboxId()).toBe("made-1");
  },
);

test("a session that is closed while its sandbox comes back kills what is kept", async () => {
  const { sessions, killed } = pausing(
    (signal) =>
      new Promise((_resolve, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason as Error)),
      ),
  );
  await useAndPause(sessions);
  const coming = sessions.acquire();
  coming.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 5));
  await sessions.close();
  await expect(coming).rejects.toMatchObject({ code: "sandbox_closed" });
  expect(killed).toEqual(["made-1"]);
});

test("who comes while an abandoned start is being stopped gets a sandbox of the next one", async () => {
  const creates: { signal: AbortSignal; reject: (reason: unknown) => void }[] = [];
  const provider = {
    name: "fake",
    capabilities: {},
    create: ({ signal }: { signal: AbortSignal }) => {
      if (creates.length > 0) return Promise.resolve(connection("made"));
      return new Promise((_resolve, reject) => creates.push({ signal, reject }));
    },
    kill: async () => true,
  } as unknown as SandboxProvider;
  await using sessions = new SandboxSessions(provider, { maxSandboxes: 1 });
  const controller = new AbortController();
  const first = sessions.acquire(undefined, { signal: controller.signal });
  await expect.poll(() => creates.length).toBe(1);
  controller.abort(new Error("enough"));
  await expect(first).rejects.toThrow("enough");
  let later = 0;
  const waiting = [1, 2].map(() => sessions.acquire().finally(() => (later += 1)));
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(creates[0]!.signal.aborted).toBe(true);
  expect(later).toBe(0);
  creates[0]!.reject(creates[0]!.signal.reason);
  const [one, two] = await Promise.all(waiting);
  expect(one!.sandbox).toBe(two!.sandbox);
});
