import { expect, test } from "vitest";
import { firstBytes, lastBytes, truncate } from "./truncate.ts";

/** Random numbers that are the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

const pieces = ["a", "é", "汉", "😀", "\n", "word ", "\r\n", "Error: x\n", "👩‍👩‍👧", "\u0301"];

function randomText(seed: number): string {
  const next = random(seed);
  const length = Math.floor(next() * 3000);
  return Array.from({ length }, () => pieces[Math.floor(next() * pieces.length)]!).join("");
}

test("whatever the text, the cut one is small enough and has whole characters of it", () => {
  for (let seed = 1; seed < 300; seed += 1) {
    const text = randomText(seed);
    const max = 1000 + (seed % 700);
    const cut = truncate(text, max);
    expect(Buffer.byteLength(cut.text)).toBeLessThanOrEqual(max);
    expect(cut.text).not.toContain("\uFFFD");
    expect(cut.totalBytes).toBe(Buffer.byteLength(text));
    expect(cut.truncated).toBe(cut.totalBytes > max);
    if (!cut.truncated) expect(cut.text).toBe(text);
    const [head, ...rest] = cut.text.split(/\n\[… \d+ of \d+ bytes left out …\]\n/);
    expect(text.startsWith(head!)).toBe(true);
    if (cut.truncated) expect(text.endsWith(rest.at(-1)!.split("\n[…]\n").at(-1)!)).toBe(true);
  }
});

test("the number of bytes left out is right", () => {
  const text = "x".repeat(50_000);
  const { text: cut } = truncate(text, 5000);
  const [, left] = /… (\d+) of 50000 bytes/.exec(cut)!;
  expect(cut.replace(/\n\[.*\]\n/, "").length + Number(left)).toBe(50_000);
});

test("the last line about an error is kept, wherever it is", () => {
  const filler = "nothing to see here\n".repeat(2000);
  const line = "ValueError: the 42nd row is empty";
  expect(truncate(`${filler}${line}\n${filler}`, 4000).text).toContain(line);
  expect(truncate(`${filler}${line}`, 4000).text.endsWith(line)).toBe(true);
  const long = truncate(`${filler}KeyError: ${"k".repeat(20_000)}`, 4000).text;
  expect(long).toContain("KeyError: kkk");
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(4000);
});

test("lines stay whole where they are short", () => {
  const text = Array.from({ length: 5000 }, (_, at) => `line ${at}`).join("\n");
  const { text: cut } = truncate(text, 3000);
  for (const line of cut.split("\n")) expect(line).toMatch(/^(line \d+|\[….*\]|)$/);
});

test("10 MB are cut quickly", () => {
  const started = performance.now();
  truncate("0123456789\n".repeat(1_000_000), 20_000);
  expect(performance.now() - started).toBeLessThan(2000);
});

test("the first and the last bytes end at characters", () => {
  for (let max = 1; max < 20; max += 1) {
    for (const cut of [firstBytes("a😀é汉b😀", max), lastBytes("a😀é汉b😀", max)]) {
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(max);
      expect(cut).not.toContain("\uFFFD");
    }
  }
  expect(firstBytes("ab", 2)).toBe("ab");
  expect(lastBytes("é汉", 3)).toBe("汉");
});
