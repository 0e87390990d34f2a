import { expect, test } from "vitest";
import type { AuditOptions } from "../audit-options.ts";
import { start } from "../testing/words.ts";
import { SandboxSessions } from "./sandbox-sessions.ts";

const trusted = true;

test("a copy's beginning is not the conversation's: that gets a machine as it was created", async () => {
  const { sessionsOf, write } = start();
  const first = sessionsOf();
  const a = await write(first, "a", { at: null });
  const b = await write(first, "b", { at: a.position });
  const later = sessionsOf();
  const c = await write(later, "c", { at: b.position, trusted });
  expect(c.words).toBe("a b c");
  expect((await write(later, "d", { at: null, trusted })).words).toBe("d");
  // Back to where the copy began, and to what it had become.
  expect((await write(later, "e", { at: b.position, trusted })).words).toBe("a b e");
  expect((await write(later, "f", { at: c.position, trusted })).words).toBe("a b c f");
});

test("a sandbox that was left for another one is paused, and found again; all end with the conversation", async () => {
  const { sessionsOf, write, sandboxes } = start();
  const other = await write(sessionsOf(), "o", { at: null });
  const sessions = sessionsOf();
  const a = await write(sessions, "a", { at: null });
  expect((await write(sessions, "b", { at: other.position, trusted })).words).toBe("o b");
  expect((await write(sessions, "c", { at: a.position, trusted })).words).toBe("a c");
  expect(sessions.sandboxId()).toBe(a.position.sandboxId);
  await sessions.close();
  expect([...sandboxes.values()].filter(({ points }) => points.length > 0)).toHaveLength(1);
});

test("calls that are made side by side leave a sandbox once, and find the same one", async () => {
  const { sessionsOf, write, sandboxes } = start();
  const other = await write(sessionsOf(), "o", { at: null });
  const sessions = sessionsOf();
  const a = await write(sessions, "a", { at: null });
  const side = (at: typeof a.position, step: number) =>
    Promise.all(["x", "y", "z"].map((word) => write(sessions, word, { at, step, trusted })));
  expect((await side(other.position, 1)).map(({ words }) => words)).toContain("o x y z");
  expect((await side(a.position, 2)).map(({ words }) => words)).toContain("a x y z");
  expect(sandboxes.size).toBe(3);
});

test("a conversation that cannot go back to where it was stays, and is told", async () => {
  const { sessionsOf, write, provider } = start();
  const other = sessionsOf();
  const gone = await write(other, "o", { at: null });
  const sessions = sessionsOf();
  const a = await write(sessions, "a", { at: null });
  await other.close();
  await expect(write(sessions, "b", { at: gone.position, trusted })).rejects.toMatchObject({
    code: "checkpoint_not_found",
  });
  expect((await write(sessions, "c", { at: a.position, trusted })).words).toBe("a c");
  // Nor does a given sandbox of which the beginning is not known.
  const { sandbox } = await sessions.acquire();
  const given = new SandboxSessions(sandbox, { checkpoints: "each-call" });
  await write(given, "d", { at: a.position });
  await expect(write(given, "e", { at: null })).rejects.toMatchObject({
    code: "checkpoint_not_found",
  });
  await provider.kill(sandbox.sandboxId);
});

test("an idle conversation with checkpoints goes on in its sandbox, and can go back", async () => {
  const { sessionsOf, write } = start({ maxSandboxes: 1 });
  const sessions = sessionsOf();
  const a = await write(sessions, "a", { at: null });
  const b = await write(sessions, "b", { at: a.position });
  await write(sessions, "x", { at: null }, "x", "other");
  const c = await write(sessions, "c", { at: b.position });
  expect(c).toMatchObject({ words: "a b c", notice: "" });
  expect((await write(sessions, "d", { at: a.position })).words).toBe("a d");
});

test("a copy is recorded as its sandbox was", async () => {
  const { provider, write, die } = start();
  const created: unknown[] = [];
  const audit: AuditOptions = {
    sink: ({ event, sandboxId }) => void (event === "created" && created.push(sandboxId)),
  };
  const sessions = new SandboxSessions({ provider, audit }, { checkpoints: "each-call" });
  const { position } = await write(sessions, "a");
  die(position.sandboxId);
  expect((await write(sessions, "b")).words).toBe("a b");
  expect(created).toEqual([position.sandboxId, sessions.sandboxId()]);
});
