import { expect, test } from "vitest";
import { BytePipe } from "./byte-pipe.ts";

const mebibyte = new Uint8Array(1024 * 1024);
const sizeOf = async (pipe: BytePipe): Promise<number> => {
  let size = 0;
  for await (const chunk of pipe.readable) size += chunk.length;
  return size;
};

test("what came before the reader is there, then the end", async () => {
  const pipe = new BytePipe();
  expect(pipe.push(mebibyte)).toBeUndefined();
  const reading = sizeOf(pipe);
  await pipe.push(mebibyte);
  pipe.end(undefined);
  expect(await reading).toBe(2 * mebibyte.length);
});

test("a reader who is slow slows the writer down", async () => {
  const pipe = new BytePipe();
  const reader = pipe.readable.getReader();
  for (let at = 0; at < 8; at += 1) expect(pipe.push(mebibyte)).toBeUndefined();
  let waited = false;
  const full = pipe.push(mebibyte)!.then(() => (waited = true));
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(waited).toBe(false);
  await reader.read();
  await full;
  await reader.cancel();
  expect(pipe.push(mebibyte)).toBeUndefined();
});

test("what nobody reads is dropped beyond a limit, and the late reader hears of it", async () => {
  const pipe = new BytePipe();
  for (let at = 0; at < 20; at += 1) expect(pipe.push(mebibyte)).toBeUndefined();
  pipe.end(undefined);
  await expect(sizeOf(pipe)).rejects.toThrow("the rest is lost");
});

test("single bytes do not take up more memory than many", async () => {
  const pipe = new BytePipe();
  const byte = mebibyte.subarray(0, 1);
  for (let at = 0; at < 100_000; at += 1) await pipe.push(byte);
  let kept = 0;
  const reading = async (): Promise<void> => {
    for await (const chunk of pipe.readable) kept += chunk.length;
  };
  await expect(reading()).rejects.toThrow("the rest is lost");
  expect(kept).toBeGreaterThan(10_000);
  expect(kept).toBeLessThan(50_000);
});

test("an error comes after what was printed", async () => {
  const pipe = new BytePipe();
  await pipe.push(mebibyte);
  pipe.end(new Error("aborted"));
  const reader = pipe.readable.getReader();
  expect((await reader.read()).value!.length).toBe(mebibyte.length);
  await expect(reader.read()).rejects.toThrow("aborted");
});
