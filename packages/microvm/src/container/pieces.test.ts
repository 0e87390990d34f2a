import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { writePieces } from "./pieces.ts";

const SIZE = 1024 * 1024;

async function write(pieces: unknown, chunks: readonly string[]): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "emberbox-pieces-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "file");
  await using file = await open(path, "wx");
  async function* data(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  await writePieces(file, pieces, data(), SIZE);
  return path;
}

test("pieces get to their places, however they are cut, and the rest is holes", async () => {
  const pieces = [
    [0, 3],
    [500_000, 5],
    [SIZE - 1, 1],
  ];
  const path = await write(pieces, ["ab", "cfg", "hijz"]);
  const content = readFileSync(path);
  expect(content.length).toBe(SIZE);
  expect(content.toString("latin1", 0, 4)).toBe("abc\0");
  expect(content.toString("latin1", 500_000, 500_006)).toBe("fghij\0");
  expect(content.toString("latin1", SIZE - 2)).toBe("\0z");
  expect(statSync(path).blocks * 512).toBeLessThan(100_000);
});

test.each([
  ["nothing", undefined],
  ["text", "no"],
  ["an empty list", []],
  ["a negative place", [[-1, 3]]],
  ["a fraction", [[0.5, 3]]],
  ["an endless piece", [[0, Number.MAX_SAFE_INTEGER]]],
  ["a place beyond the end", [[SIZE, 1]]],
  [
    "pieces over each other",
    [
      [0, 3],
      [2, 3],
    ],
  ],
])("%s as a list is refused", async (_what, pieces) => {
  await expect(write(pieces, ["abc"])).rejects.toThrow("in no order");
});

test("more or less data than was announced is refused", async () => {
  await expect(write([[0, 2]], ["abc"])).rejects.toThrow("more than it should");
  await expect(write([[0, 4]], ["abc"])).rejects.toThrow("less than it should");
});
