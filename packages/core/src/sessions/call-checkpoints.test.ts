import { expect, test } from "vitest";
import { Sandbox } from "../sandbox.ts";
import { start } from "../testing/words.ts";
import { createCheckpointTools } from "../tools/checkpoint-tools.ts";
import { SandboxSessions } from "./sandbox-sessions.ts";
import type { SandboxPosition } from "./position.ts";

test("calls leave as many checkpoints as are kept; those that were made otherwise stay", async () => {
  const keep = { last: 3 };
  const { sessionsOf, write, provider, sandboxes } = start({ checkpoints: { each: "call", keep } });
  const sessions = sessionsOf();
  const { position: first } = await write(sessions, "a");
  const { sandboxId } = first;
  sandboxes.get(sandboxId)!.words.push("x");
  const own = await provider.createCheckpoint!(sandboxId, { by: "somebody" });
  await write(sessions, "y");
  // A model asks for one where a call has just left one.
  const { text } = await createCheckpointTools(sessions)[0]!.execute({ label: "before the rest" });
  const asked = /checkpoint (\w+):/.exec(text)![1];
  let last: SandboxPosition = first;
  for (const word of "bcdefg") last = (await write(sessions, word)).position;
  const left = await Sandbox.history(sandboxId, { provider });
  expect(left).toHaveLength(5);
  const ids = left.map(({ checkpointId }) => checkpointId);
  expect(ids).toEqual(expect.arrayContaining([own.checkpointId, asked]));
  expect(left.at(-1)!.checkpointId).toBe(last.checkpointId);
  const back = sessions.goTo({ at: first });
  await expect(back).rejects.toMatchObject({ code: "checkpoint_not_found" });
  await expect(back).rejects.toThrow(first.checkpointId);
  // The machine stayed where it was.
  expect((await write(sessions, "h")).words).toBe("a x y b c d e f g h");
});

test("they are limited by their bytes, too, or not at all", async () => {
  for (const [keep, left] of [
    [{ bytes: 25 }, 2],
    [{ bytes: 0 }, 1],
    [false, 13],
  ] as const) {
    const { sessionsOf, write, provider } = start({ checkpoints: { each: "call", keep } });
    const sessions = sessionsOf();
    for (const word of "abcdefghijkl") await write(sessions, word);
    const history = await Sandbox.history(sessions.sandboxId()!, { provider });
    expect(history).toHaveLength(left);
  }
});

test("a checkpoint that cannot be deleted is reported, and the call has its result", async () => {
  const errors: unknown[] = [];
  const { sessionsOf, write, provider } = start({
    checkpoints: { each: "call", keep: { last: 1 } },
    onError: (error) => errors.push(error),
  });
  provider.deleteCheckpoint = async () => {
    throw new Error("it is stuck");
  };
  expect((await write(sessionsOf(), "a")).position).toBeDefined();
  expect(errors).toHaveLength(1);
});

test("what is no limit is refused", () => {
  const { provider } = start();
  for (const [checkpoints, message] of [
    ["call", /`checkpoints` option to be `each-call`/],
    [{ each: "step" }, /`checkpoints`/],
    [{ each: "call", keep: { last: 0 } }, /`checkpoints`/],
    [{ each: "call", keep: { first: 1 } }, /Unknown option `first` in `checkpoints.keep`/],
    [{ keep: { last: 1 } }, /`checkpoints`/],
  ] as const) {
    expect(() => new SandboxSessions(provider, { checkpoints: checkpoints as never })).toThrow(
      message,
    );
  }
});
