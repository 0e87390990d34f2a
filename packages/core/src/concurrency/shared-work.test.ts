import { expect, test } from "vitest";
import { SharedWork } from "./shared-work.ts";

const hang = (signal: AbortSignal): Promise<string> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });

test("the work is done once for all who ask, and its result kept", async () => {
  const shared = new SharedWork<number>();
  let begun = 0;
  const begin = async (): Promise<number> => ++begun;
  expect(await Promise.all([shared.get("a", begin), shared.get("a", begin)])).toEqual([1, 1]);
  expect(await shared.get("a", begin)).toBe(1);
  expect(await shared.get("b", begin)).toBe(2);
  shared.forget("a");
  expect(await shared.get("a", begin)).toBe(3);
});

test("work that failed is begun anew", async () => {
  const shared = new SharedWork<number>();
  await expect(shared.get("a", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await shared.get("a", () => Promise.resolve(1))).toBe(1);
});

test("one who gives up does not stop the work for the other", async () => {
  const shared = new SharedWork<string>();
  const work = Promise.withResolvers<string>();
  const controller = new AbortController();
  const first = shared.get("a", () => work.promise, controller.signal);
  const second = shared.get("a", hang);
  controller.abort(new Error("enough"));
  await expect(first).rejects.toThrow("enough");
  work.resolve("done");
  expect(await second).toBe("done");
});

test("when the last has given up, the work is stopped", async () => {
  const shared = new SharedWork<string>();
  const controller = new AbortController();
  let stopped: AbortSignal | undefined;
  const only = shared.get("a", (signal) => hang((stopped = signal)), controller.signal);
  controller.abort(new Error("enough"));
  await expect(only).rejects.toThrow("enough");
  expect(stopped?.aborted).toBe(true);
  expect(await shared.get("a", () => Promise.resolve("anew"))).toBe("anew");
});

test("a result that is not kept is for those who waited", async () => {
  const shared = new SharedWork<number>({ keeps: false });
  let begun = 0;
  const begin = async (): Promise<number> => ++begun;
  expect(await Promise.all([shared.get("a", begin), shared.get("a", begin)])).toEqual([1, 1]);
  expect(await shared.get("a", begin)).toBe(2);
});

test("work that goes on can be seen, and stopped for all who wait", async () => {
  const shared = new SharedWork<string>();
  const waiting = [shared.get("a", hang), shared.get("a", hang)];
  expect([...shared.going().keys()]).toEqual(["a"]);
  const stopping = shared.stop("a", new Error("enough"));
  for (const each of waiting) await expect(each).rejects.toThrow("enough");
  await stopping;
  expect(shared.going().size).toBe(0);
  await shared.stop("a", new Error("nothing goes on"));
  expect(await shared.get("a", () => Promise.resolve("anew"))).toBe("anew");
});

test("who comes while abandoned work is being stopped waits for its end, and begins it anew", async () => {
  const shared = new SharedWork<string>({ keeps: false });
  const end = Promise.withResolvers<string>();
  const controller = new AbortController();
  const first = shared.get("a", () => end.promise, controller.signal);
  controller.abort(new Error("enough"));
  await expect(first).rejects.toThrow("enough");
  let begun = 0;
  const begin = async (): Promise<string> => `anew ${(begun += 1)}`;
  const later = [shared.get("a", begin), shared.get("a", begin)];
  const gaveUp = expect(shared.get("a", begin, AbortSignal.timeout(1))).rejects.toThrow("timeout");
  await gaveUp;
  expect([...shared.going().keys()]).toEqual(["a"]);
  expect(begun).toBe(0);
  end.resolve("too late");
  expect(await Promise.all(later)).toEqual(["anew 1", "anew 1"]);
});
