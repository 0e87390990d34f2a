import { expect, test } from "vitest";
import { Handover } from "./handover.ts";

const piece = (byte: number): Uint8Array => Uint8Array.of(byte);

test("pieces arrive in order, at the reader's pace, and then the end", async () => {
  const pipe = new Handover();
  let written = 0;
  const writing = (async () => {
    for (; written < 3; written += 1) await pipe.write(piece(written));
    pipe.end();
  })();
  const seen: number[] = [];
  for await (const [byte] of pipe) {
    seen.push(byte!);
    expect(written).toBeLessThanOrEqual(seen.length);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await writing;
  expect(seen).toEqual([0, 1, 2]);
});

test("whichever side fails, the other hears of it, whatever it waits for", async () => {
  const error = new Error("no");
  const unread = new Handover();
  const waiting = unread.write(piece(1));
  unread.fail(error);
  await expect(waiting).rejects.toBe(error);
  await expect(unread.write(piece(2))).rejects.toBe(error);

  const unwritten = new Handover();
  const reading = unwritten[Symbol.asyncIterator]().next();
  unwritten.fail(error);
  await expect(reading).rejects.toBe(error);
});
