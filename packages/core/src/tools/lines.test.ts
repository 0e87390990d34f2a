import { expect, test } from "vitest";
import { readLines } from "./lines.ts";

function streamOf(text: string | Uint8Array, size: number): ReadableStream<Uint8Array> {
  const bytes = Buffer.from(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, (at += size)));
    },
  });
}
const all = { offset: 1, limit: 100, maxBytes: 10_000 };

test("however the bytes come, the lines are the same", async () => {
  const text = "eins\nzwei é\r\n\n日本😀\nlast";
  for (let size = 1; size < 12; size += 1) {
    expect(await readLines(streamOf(text, size), all)).toEqual({
      lines: ["eins", "zwei é", "", "日本😀", "last"],
      more: false,
      cut: 0,
      seen: 5,
    });
  }
});

test("some lines are read, and that there are more is known", async () => {
  const text = Array.from({ length: 10 }, (_, at) => `${at + 1}\n`).join("");
  const read = (offset: number, limit: number) =>
    readLines(streamOf(text, 3), { ...all, offset, limit });
  expect(await read(4, 2)).toMatchObject({ lines: ["4", "5"], more: true });
  expect(await read(9, 2)).toMatchObject({ lines: ["9", "10"], more: false });
  expect(await read(20, 2)).toMatchObject({ lines: [], more: false, seen: 10 });
});

test("a text without end is read no further than needed", async () => {
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pulled += 1;
      controller.enqueue(Buffer.from("line\n".repeat(1000)));
    },
  });
  expect(await readLines(endless, { ...all, limit: 5 })).toMatchObject({ more: true });
  expect(pulled).toBeLessThan(5);
});

test("long lines are cut, at characters", async () => {
  const read = await readLines(streamOf(`${"é".repeat(50_000)}\nend`, 999), all);
  expect(read).toMatchObject({ cut: 1, seen: 2 });
  expect((read as { lines: string[] }).lines[0]).toMatch(/^é+$/);
});

test("bytes that are not UTF-8 are seen as such, and what is not text is told", async () => {
  expect(await readLines(streamOf(Buffer.from([65, 0xff, 10]), 2), all)).toMatchObject({
    lines: ["A\ufffd"],
  });
  expect(await readLines(streamOf(Buffer.from([65, 0, 10]), 2), all)).toBe("binary");
});
