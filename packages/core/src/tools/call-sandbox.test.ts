import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { EmberboxError } from "../errors.ts";
import type { SandboxProvider } from "../provider.ts";
import { queueOf } from "../sessions/sandbox-queue.ts";
import { SandboxSessions, type SandboxSessionsOptions } from "../sessions/sandbox-sessions.ts";
import { callSandbox } from "./call-sandbox.ts";
import { createSandboxTools } from "./create-tools.ts";
import { NativeTools } from "./native/native-tools.ts";

const died = new EmberboxError("sandbox_died", "QEMU of /home/mine ended");

/** Sandboxes that die on any request. */
function mortal(options: SandboxSessionsOptions = {}): {
  readonly sessions: SandboxSessions;
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
    kill: async () => true,
  } as unknown as SandboxProvider;
  const reported: unknown[] = [];
  const sessions = new SandboxSessions(provider, {
    ...options,
    onError: (error) => reported.push(error),
  });
  return { sessions, asked, reported };
}

/** Makes calls in the sandbox wait until the returned function is called. */
async function closeGate(sessions: SandboxSessions): Promise<() => void> {
  const gate = Promise.withResolvers<void>();
  const { sandbox } = await sessions.acquire();
  const held = queueOf(sandbox).run(() => gate.promise);
  held.catch(() => {});
  return gate.resolve;
}

const rethrow = (error: unknown): never => {
  throw error;
};

test("calls run in the order asked for, and those that may beside them", async () => {
  const { sessions } = mortal();
  const open = await closeGate(sessions);
  const order: string[] = [];
  const call = (name: string, beside: boolean): Promise<number> =>
    callSandbox(sessions, { beside }, async () => order.push(name), rethrow);
  const calls = [call("one", false), call("two", false), call("beside", true)];
  await calls[2];
  expect(order).toEqual(["beside"]);
  open();
  await Promise.all(calls);
  expect(order).toEqual(["beside", "one", "two"]);
});

test("an aborted call leaves the line, and rejects with the signal's reason", async () => {
  const { sessions } = mortal();
  await closeGate(sessions);
  const controller = new AbortController();
  const { signal } = controller;
  const call = callSandbox(sessions, { signal }, () => expect.fail("it runs"), rethrow);
  const reason = new Error("enough");
  controller.abort(reason);
  await expect(call).rejects.toBe(reason);
});

test("a call that finds its sandbox lost is told so without particulars; the next has another", async () => {
  const { sessions, reported } = mortal();
  const words = await callSandbox(
    sessions,
    {},
    () => Promise.reject(died),
    (error, call) => `${call.sandboxId} ${call.explain(error).text}`,
  );
  expect(words).toMatch(/^made-1 The sandbox ended unexpectedly/);
  expect(words).not.toContain("/home/mine");
  expect(reported).toEqual([died]);
  const next = (): Promise<string> =>
    callSandbox(sessions, {}, async (call) => call.sandboxId + call.say(), rethrow);
  expect(await next()).toMatch(/^made-2Note: .* is gone/);
  expect(await next()).toBe("made-2");
});

test("an aborted call has not said that the sandbox is new", async () => {
  const { sessions } = mortal();
  const controller = new AbortController();
  const reason = new Error("enough");
  const { signal } = controller;
  const dying = callSandbox(
    sessions,
    { signal },
    async () => {
      controller.abort(reason);
      throw died;
    },
    rethrow,
  );
  await expect(dying).rejects.toBe(reason);
  const notice = await callSandbox(sessions, {}, async (call) => call.say(), rethrow);
  expect(notice).toContain("is gone");
});

test("the sandbox is in use until what the call began has ended", async () => {
  const { sessions } = mortal({ idleTimeoutMs: 1 });
  const end = Promise.withResolvers<void>();
  await callSandbox(sessions, {}, async (call) => call.until(end.promise), rethrow);
  await sleep(20);
  expect(sessions.sandboxId()).toBe("made-1");
  end.resolve();
  await sleep(20);
  expect(sessions.sandboxId()).toBeUndefined();
});

test("without a sandbox, the reason is not the call's", async () => {
  const { sessions, reported } = mortal();
  await sessions[Symbol.asyncDispose]();
  const failure = await callSandbox(
    sessions,
    {},
    () => expect.fail("it runs"),
    (error, call) => ({ ...call.explain(error), notice: call.say(), id: call.sandboxId }),
  );
  expect(failure).toMatchObject({ code: "sandbox_closed", notice: "", id: undefined });
  expect(failure.text).toMatch(/^There is no sandbox/);
  expect(reported).toHaveLength(1);
});

const uses = {
  tools: (sessions: SandboxSessions) => {
    const tools = createSandboxTools(sessions);
    return {
      change: async () => (await tools.execute("write_file", { path: "a", content: "" })).text,
      read: async () => (await tools.execute("list_files", {})).text,
    };
  },
  "native tools": (sessions: SandboxSessions) => {
    const tools = new NativeTools(sessions);
    return {
      change: () => tools.textEditor({ command: "create", path: "/a", file_text: "" }),
      read: undefined,
    };
  },
};

test.each(Object.entries(uses))("%s: a change waits, a read does not", async (_name, use) => {
  const { sessions, asked } = mortal();
  const open = await closeGate(sessions);
  const { change, read } = use(sessions);
  const changed = change();
  await setImmediate();
  expect(asked).toEqual([]);
  await read?.();
  expect(asked).toHaveLength(read ? 1 : 0);
  open();
  await changed;
  expect(asked).toHaveLength(read ? 2 : 1);
});

test.each(Object.entries(uses))("%s: a sandbox that is lost is replaced", async (_name, use) => {
  const { sessions, asked, reported } = mortal();
  const { change } = use(sessions);
  expect(await change()).toMatch(/^The sandbox ended unexpectedly/);
  expect(await change()).toMatch(/^Note: .* is gone/);
  expect(asked).toEqual(["made-1", "made-2"]);
  expect(reported).toEqual([died, died]);
});
