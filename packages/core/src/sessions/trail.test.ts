import { expect, test } from "vitest";
import { EmberboxError } from "../errors.ts";
import type { SandboxProvider } from "../provider.ts";
import { start } from "../testing/words.ts";
import { callSandbox } from "../tools/call-sandbox.ts";
import type { ConversationPlace } from "./position.ts";
import { SandboxSessions } from "./sandbox-sessions.ts";

test("each call is between two checkpoints, which are made only where something changed", async () => {
  const { sessionsOf, write, notes } = start();
  const sessions = sessionsOf();
  const one = await write(sessions, "a");
  const two = await write(sessions, "b");
  expect(two.before).toBe(one.position.checkpointId);
  expect(sessions.position()).toEqual(two.position);
  expect(notes).toEqual([
    "each-call test a: before write a",
    "each-call test a: after write a",
    "each-call test b: after write b",
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
  const x = await write(sessions, "x", { at: a.position }, "x", "other");
  expect(x.words).toBe("x");
  expect(x.notice).toContain("another program's");
  // Where it knows nothing of, it begins; and it can go back to there.
  expect((await write(sessions, "y", { at: a.position }, "y", "other")).words).toBe("y");
  const gone = { sandboxId: "s1", checkpointId: "c99", savedAt: 1 };
  const { words, notice } = await write(sessionsOf(), "z", { at: gone, trusted: true });
  expect(words).toBe("z");
  expect(notice).toContain("nor its checkpoint");
});

test("a sandbox that died comes back as it was after the last result, and the model is told", async () => {
  const { sessionsOf, write, die } = start();
  const sessions = sessionsOf();
  const a = await write(sessions, "a");
  die(a.position.sandboxId);
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
