import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Amounts, Quotas, type QuotasOption } from "./quotas.ts";

/** Tenants that already have what they were given. */
function tenants(quotas: QuotasOption) {
  const has: Record<string, Record<string, number>> = {};
  const held = new Quotas(quotas, async (tenant) => {
    const now = { ...has[tenant] };
    await setImmediate();
    return now;
  });
  const make = (tenant: string, asked: Amounts) =>
    held.take(tenant, asked, async () => {
      await setImmediate();
      const its = (has[tenant] ??= {});
      for (const [kind, amount] of Object.entries(asked)) its[kind] = (its[kind] ?? 0) + amount;
    });
  return { has, held, make };
}

test("much that is asked for at once is no more than the quota", async () => {
  const { has, make } = tenants({ red: { sandboxes: 10, memoryMB: 5000 } });
  const asked = Array.from({ length: 40 }, () => make("red", { sandboxes: 1, memoryMB: 512 }));
  const outcomes = await Promise.allSettled(asked);
  expect(has["red"]).toEqual({ sandboxes: 9, memoryMB: 9 * 512 });
  const refused = outcomes.filter(({ status }) => status === "rejected");
  expect(refused).toHaveLength(31);
  await expect(make("red", { sandboxes: 1, memoryMB: 512 })).rejects.toMatchObject({
    status: 429,
    retryAfterSeconds: 1,
    message:
      "the quota of memory is reached: 4608 of 5000 MiB are in use, and 512 more would be needed",
  });
  await make("red", { sandboxes: 1 });
  await expect(make("red", { sandboxes: 1 })).rejects.toThrow(
    "the quota of sandboxes is reached: 10 of 10 are in use",
  );
});

test("what one tenant has is nothing to another", async () => {
  const { make } = tenants({ "*": { snapshots: 1 }, blue: { snapshots: 2 }, green: { diskMB: 5 } });
  for (const tenant of ["red", "blue", "blue", "green"]) await make(tenant, { snapshots: 1 });
  for (const tenant of ["red", "blue", "green"])
    await expect(make(tenant, { snapshots: 1 })).rejects.toMatchObject({
      status: 429,
      retryAfterSeconds: undefined,
    });
});

test("disk is taken while there is some, one after the other, and what was too much is told", async () => {
  const { held, make } = tenants({ red: { diskMB: 100 } });
  const outcomes = await Promise.allSettled([1, 2].map(() => make("red", { diskMB: 120 })));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  await expect(held.check("red", "diskMB")).rejects.toThrow(
    "the quota of disk is reached: 120 of 100 MiB are in use",
  );
});

const failing = () => Promise.reject(new Error("no"));

test("work that fails gives back what it took", async () => {
  const { held, make } = tenants({ red: { sandboxes: 1 } });
  await expect(held.take("red", { sandboxes: 1 }, failing)).rejects.toThrow("no");
  await make("red", { sandboxes: 1 });
});
