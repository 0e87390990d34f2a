import { expect, test } from "vitest";
import { EmberboxError } from "../errors.ts";
import type { SandboxProvider } from "../provider.ts";
import { callSandbox } from "../tools/call-sandbox.ts";
import type { ConversationPlace, SandboxPosition } from "./position.ts";
import { SandboxSessions, type SandboxSessionsOptions } from "./sandbox-sessions.ts";

interface Point {
  readonly id: string;
  readonly written: readonly string[];
}

/** Sandboxes that are lists of words, with checkpoints. */
function machines(): {
  readonly provider: SandboxProvider;
  readonly sandboxes: Map<string, { words: string[]; points: Point[]; at?: string | undefined }>;
  readonly notes: (string | undefined)[];
} {
  let made = 0;
  let points = 0;
  const sandboxes: ReturnType<typeof machines>["sandboxes"] = new Map();
  const notes: (string | undefined)[] = [];
  const ended = new Set<string>();
  const add = (words: string[]): object => {
    const sandboxId = `s${(made += 1)}`;
    sandboxes.set(sandboxId, { words, points: [] });
    return { sandboxId, gone: () => (ended.has(sandboxId) ? died : undefined) };
  };
  const pointOf = (id: string, checkpointId: string): Point => {
    const point = sandboxes.get(id)?.points.find((each) => each.id === checkpointId);
    if (point === undefined) throw new EmberboxError("checkpoint_not_found", "There is none");
    return point;
  };
  const provider = {
    name: "words",
    capabilities: { checkpoints: true },
    create: async () => add([]),
    kill: async (id: string) => ended.add(id).size > 0,
    createCheckpoint: async (sandboxId: string, { by, label }: Record<string, string>) => {
      const sandbox = sandboxes.get(sandboxId)!;
      const current = sandbox.points.find(({ id }) => id === sandbox.at);
      if (current?.written.join() === sandbox.words.join())
        return { sandboxId, checkpointId: current!.id, createdAt: new Date(0), unchanged: true };
      const point = { id: `c${(points += 1)}`, written: [...sandbox.words] };
      sandbox.points.push(point);
      sandbox.at = point.id;
      notes.push(`${by}: ${label}`);
      return { sandboxId, checkpointId: point.id, createdAt: new Date(points) };
    },
    rollback: async (id: string, checkpointId: string) => {
      const sandbox = sandboxes.get(id)!;
      sandbox.words = [...pointOf(id, checkpointId).written];
      sandbox.at = checkpointId;
      return { undone: [] };
    },
    branch: async (id: string, checkpointId: string) => [
      add([...pointOf(id, checkpointId).written]),
    ],
  } as unknown as SandboxProvider;
  return { provider, sandboxes, notes };
}
const died = new EmberboxError("sandbox_died", "It ended");

function start(options: Partial<SandboxSessionsOptions> = {}) {
  const made = machines();
  const { sandboxes } = made;
  const sessionsOf = (): SandboxSessions =>
    new SandboxSessions(made.provider, { checkpoints: "each-call", onError: () => {}, ...options });
  const write = (
    sessions: SandboxSessions,
    word: string,
    place?: ConversationPlace,
    toolCallId: string = word,
    threadId?: string,
  ): Promise<{ words: string; position: SandboxPosition; before: string; notice: string }> =>
    callSandbox(
      sessions,
      { label: `write\n${word}`, adapter: "test", toolCallId, place, threadId },
      async (call) => {
        const { words } = sandboxes.get(call.sandbox.sandboxId)!;
        const before = [...words];
        words.push(word);
        await call.leave();
        return {
          words: [...before, word].join(" "),
          position: call.position!,
          before: call.checkpointId!,
          notice: call.say(),
        };
      },
      (error) => {
        throw error;
      },
    );
  return { ...made, sessionsOf, write };
}

test("each call is between two checkpoints, which are made only where something changed", async () => {
  const { sessionsOf, write, notes } = start();
  const sessions = sessionsOf();
  const one = await write(sessions, "a");
  const two = await write(sessions, "b");
  expect(two.before).toBe(one.position.checkpointId);
  expect(sessions.position()).toEqual(two.position);
  expect(notes).toEqual([
    "test a: before write a",
    "test a: after write a",
    "test b: after write b",
  ]);
});

test("a conversation that went back finds its machine as it was there, and can go forward again", async () => {
  const { sessionsOf, write } = start();
  const sessions = sessionsOf();
  const a = await write(sessions, "a", { at: null });
  const b = await write(sessions, "b", { at: a.position });
  const c = await write(sessions, "c", { at: a.position });
  expect(c.words).toBe("a c");
  expect((await write(sessions, "d", { at: b.position })).words).toBe("a b d");
  expect((await write(sessions, "e", { at: c.position })).words).toBe("a c e");
  expect((await write(sessions, "f", { at: null })).words).toBe("f");
  expect((await write(sessions, "g")).words).toBe("f g");
});

test("calls that are made side by side do not undo each other, in whatever order; a repeated one does", async () => {
  const { sessionsOf, write } = start();
  const sessions = sessionsOf();
  const a = await write(sessions, "a", { at: null, step: 1 });
  const step = { at: a.position, step: 2 };
  const [, c] = await Promise.all([write(sessions, "b", step), write(sessions, "c", step)]);
  expect(c.words).toBe("a b c");
  expect((await write(sessions, "d", step)).words).toBe("a b c d");
  expect((await write(sessions, "again", step, "c")).words).toBe("a again");
  expect((await write(sessions, "b", step)).words).toBe("a again b");
});

test("what somebody else did in between is not undone, unless the conversation went back to before it", async () => {
  const { sessionsOf, write } = start();
  const sessions = sessionsOf();
  const a = await write(sessions, "a", { at: null });
  await write(sessions, "helper");
  await write(sessions, "helper");
  const b = await write(sessions, "b", { at: a.position });
  expect(b.words).toBe("a helper helper b");
  expect((await write(sessions, "c", { at: a.position })).words).toBe("a c");
});

test("who asks for it goes back over calls that did not say where they were", async () => {
  const { sessionsOf, write } = start();
  const sessions = sessionsOf();
  const a = await write(sessions, "a");
  await write(sessions, "b");
  await sessions.goTo({ at: a.position });
  expect((await write(sessions, "c")).words).toBe("a c");
});

test("a call that gave no result is not undone", async () => {
  const { sessionsOf, write, sandboxes } = start();
  const sessions = sessionsOf();
  const a = await write(sessions, "a", { at: null });
  const controller = new AbortController();
  const stopped = callSandbox(
    sessions,
    { signal: controller.signal, place: { at: a.position } },
    async ({ sandbox }) => {
      sandboxes.get(sandbox.sandboxId)!.words.push("half");
      controller.abort();
      throw new Error("stopped");
    },
    () => expect.fail("it is described"),
  );
  await expect(stopped).rejects.toThrow("abort");
  expect((await write(sessions, "b", { at: a.position })).words).toBe("a half b");
});

test("a call that changes nothing runs where the conversation is, and leaves nothing", async () => {
  const { sessionsOf, write, sandboxes, notes } = start();
  const sessions = sessionsOf();
  const a = await write(sessions, "a", { at: null });
  await write(sessions, "b", { at: a.position });
  const look = (place: ConversationPlace): Promise<string> =>
    callSandbox(
      sessions,
      { beside: true, place },
      async ({ sandbox }) => sandboxes.get(sandbox.sandboxId)!.words.join(" "),
      () => expect.fail("it fails"),
    );
  expect(await look({ at: a.position })).toBe("a");
  const before = notes.length;
  expect(await look({ at: a.position })).toBe("a");
  expect(notes).toHaveLength(before);
});

test("what a store kept comes back in a program that begins, and in another conversation", async () => {
  const { sessionsOf, write } = start();
  const sessions = sessionsOf();
  const a = await write(sessions, "a", { at: null });
  await write(sessions, "b", { at: a.position });
  const trusted = true;
  const other = await write(sessions, "c", { at: a.position, trusted }, "c", "other");
  expect(other.words).toBe("a c");
  expect(other.notice).toBe("");
  const later = sessionsOf();
  const d = await write(later, "d", { at: a.position, trusted });
  expect(d.words).toBe("a d");
  // The sandbox of now is not the one that it goes back to.
  expect((await write(later, "e", { at: other.position, trusted })).words).toBe("a c e");
  expect((await write(later, "f", { at: d.position, trusted })).words).toBe("a d f");
});

test("what a client says leads to no sandbox of others, nor does what is there no more", async () => {
  const { sessionsOf, write } = start();
  const sessions = sessionsOf();
  const a = await write(sessions, "secret", { at: null });
  expect((await write(sessions, "x", { at: a.position }, "x", "other")).words).toBe("x");
  expect((await write(sessions, "y", { at: a.position }, "y", "other")).words).toBe("x y");
  const gone = { sandboxId: "s1", checkpointId: "c99", savedAt: 1 };
  const { words, notice } = await write(sessionsOf(), "z", { at: gone, trusted: true });
  expect(words).toBe("z");
  expect(notice).toContain("nor its checkpoint");
});

test("a sandbox that died comes back as it was after the last result, and the model is told", async () => {
  const { sessionsOf, write, provider } = start();
  const sessions = sessionsOf();
  const a = await write(sessions, "a");
  await provider.kill(a.position.sandboxId);
  const { words, notice } = await write(sessions, "b");
  expect(words).toBe("a b");
  expect(notice).toContain("in a copy of it");
});

test("a checkpoint that cannot be made fails the call before it begins", async () => {
  const { provider, sessionsOf, write, sandboxes } = start();
  const sessions = sessionsOf();
  provider.createCheckpoint = async () => {
    throw new EmberboxError("host_disk_full", "The disk is full");
  };
  await expect(write(sessions, "a")).rejects.toThrow("The disk is full");
  expect(sandboxes.get("s1")!.words).toEqual([]);
});

test("a provider without checkpoints is refused at once", () => {
  const provider = {
    name: "plain",
    capabilities: {},
    create: () => {},
  } as unknown as SandboxProvider;
  expect(() => new SandboxSessions(provider, { checkpoints: "each-call" })).toThrow(/plain cannot/);
  expect(() => new SandboxSessions(provider, { checkpoints: "all" as never })).toThrow(
    /`checkpoints`/,
  );
});
