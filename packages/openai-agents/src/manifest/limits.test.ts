import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { resolveLimits, workOn } from "./limits.ts";

test("the framework's limits are the default, and broken ones are rounded down", () => {
  expect(resolveLimits(undefined)).toEqual({ manifestEntries: 4, localDirFiles: 4 });
  expect(resolveLimits({ manifestEntries: 1.9 })).toEqual({ manifestEntries: 1, localDirFiles: 4 });
});

/** Works on that many items, and says how many were worked on at once, and in which order they were begun. */
async function observe(count: number, limit: number) {
  const items = Array.from({ length: count }, (_, index) => index);
  const begun: number[] = [];
  let now = 0;
  let most = 0;
  await workOn(items, limit, async (item) => {
    begun.push(item);
    most = Math.max(most, (now += 1));
    await turn();
    now -= 1;
  });
  return { begun, items, most };
}

test.each([
  [10, 1, 1],
  [10, 3, 3],
  [2, 5, 2],
  [0, 5, 0],
  [100, 1_000_000, 64],
])("of %i items, with a limit of %i, %i are worked on at once", async (count, limit, most) => {
  const seen = await observe(count, limit);
  expect(seen.most).toBe(most);
  expect(seen.begun).toEqual(seen.items);
});

async function* ten(): AsyncGenerator<number> {
  for (let item = 0; item < 10; item += 1) yield item;
}

test("after a failure no item is begun, and those that were are waited for", async () => {
  const begun: number[] = [];
  let ended = 0;
  const work = workOn(ten(), 2, async (item) => {
    begun.push(item);
    if (item === 2) throw new Error("the third");
    for (let at = 0; at < 20; at += 1) await turn();
    ended += 1;
  });
  await expect(work).rejects.toThrow("the third");
  expect(begun.length).toBeLessThan(5);
  expect(ended).toBe(begun.length - 1);
});
