import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { untilAborted } from "./until-aborted.ts";

const never = new Promise<never>(() => {});

test("without an abort the work settles as it does, and nothing listens any more", async () => {
  const { signal } = new AbortController();
  const error = new Error("mine");
  await expect(untilAborted(Promise.resolve(1), undefined)).resolves.toBe(1);
  await expect(untilAborted(Promise.resolve(1), signal)).resolves.toBe(1);
  await expect(untilAborted(Promise.reject(error), signal)).rejects.toBe(error);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("an abort ends the waiting with its reason, before or during it", async () => {
  const controller = new AbortController();
  const waiting = untilAborted(never, controller.signal);
  const reason = new Error("enough");
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(untilAborted(Promise.resolve(1), controller.signal)).rejects.toBe(reason);
});

test("work that fails after an abort ends nothing", async () => {
  const work = Promise.withResolvers<never>();
  await expect(untilAborted(work.promise, AbortSignal.abort("enough"))).rejects.toBe("enough");
  work.reject(new Error("late"));
  await new Promise((resolve) => setTimeout(resolve, 5));
});
