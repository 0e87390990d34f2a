import { expect, test } from "vitest";
import { Queue } from "./queue.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("work runs one after the other, whatever becomes of it", async () => {
  const queue = new Queue();
  const seen: string[] = [];
  const work = (name: string, fails = false) =>
    queue.run(async () => {
      seen.push(`${name} begins`);
      await pause(5);
      seen.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
  const results = await Promise.allSettled([work("a"), work("b", true), work("c")]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("an abort leaves the line at once, and those behind keep their order", async () => {
  const queue = new Queue();
  const first = Promise.withResolvers<void>();
  const running = queue.run(() => first.promise);
  const controller = new AbortController();
  const waiting = queue.run(() => expect.fail("it ran"), controller.signal);
  let third = false;
  const last = queue.run(async () => void (third = true));
  controller.abort(new Error("no longer"));
  await expect(waiting).rejects.toThrow("no longer");
  await pause(5);
  expect(third).toBe(false);
  first.resolve();
  await Promise.all([running, last, queue.idle()]);
  expect(third).toBe(true);
});

test("work that passes lets the next one begin, and counts until its end", async () => {
  const queue = new Queue();
  const end = Promise.withResolvers<void>();
  const first = queue.run((pass) => {
    pass();
    return end.promise;
  });
  expect(await queue.run(async () => "second")).toBe("second");
  expect(queue.isEmpty).toBe(false);
  end.resolve();
  await first;
  expect(queue.isEmpty).toBe(true);
});
