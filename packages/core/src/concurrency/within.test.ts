import { expect, test, vi } from "vitest";
import { within } from "./within.ts";

const never = new Promise<never>(() => {});
const late = (): never => {
  throw new Error("too late");
};

test("work in time gives its result, or its error as it is, and leaves no timer", async () => {
  vi.useFakeTimers();
  const error = new Error("mine");
  await expect(within(10, Promise.resolve(1), late)).resolves.toBe(1);
  await expect(within(10, Promise.reject(error), late)).rejects.toBe(error);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("work that takes too long goes on, without being waited for", async () => {
  await expect(within(1, never, () => "late")).resolves.toBe("late");
  await expect(within(1, never, late)).rejects.toThrow("too late");
});

test("work that fails after that ends nothing", async () => {
  const work = Promise.withResolvers<never>();
  await within(1, work.promise, () => {});
  work.reject(new Error("late"));
  await new Promise((resolve) => setTimeout(resolve, 5));
});

test.each([true, false])("the timer keeps the program alive: %s", async (ref) => {
  const timers = vi.spyOn(globalThis, "setTimeout");
  const waiting = within(5, never, () => "late", { ref });
  const timer = timers.mock.results[0]!.value as NodeJS.Timeout;
  expect(timer.hasRef()).toBe(ref);
  timers.mockRestore();
  // Something else must keep this program alive meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 10));
  await expect(waiting).resolves.toBe("late");
});
