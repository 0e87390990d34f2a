import { expect, test } from "vitest";
import { BoundedText } from "./bounded-text.ts";

function filled(keep: number, pieces: readonly string[]): BoundedText {
  const text = new BoundedText(keep);
  for (const piece of pieces) text.push(piece);
  return text;
}

test("text within the limit stays as it came", () => {
  const text = filled(4, ["ab", "", "cdef", "gh"]);
  expect(text.truncated).toBe(false);
  expect(text.pieces()).toEqual(["ab", "cd", "ef", "gh"]);
});

test("beyond it, the first and the last bytes stay around a marker", () => {
  const text = filled(4, ["abcdefghij", "klm"]);
  expect(text.totalBytes).toBe(13);
  expect(text.toString()).toBe(
    "abcd\n[… 5 bytes left out; the output was 13 bytes in all …]\njklm",
  );
});

test("characters are not cut", () => {
  const text = filled(5, ["éééééééééé"]).toString();
  expect(text).not.toContain("\uFFFD");
  expect(text.startsWith("éé\n")).toBe(true);
});

test("order survives many tiny pieces", () => {
  const pieces = Array.from({ length: 200_000 }, (_, index) => `${index};`);
  const whole = pieces.join("");
  const text = filled(300_000, pieces);
  const result = text.toString();
  expect(result.startsWith(whole.slice(0, 300_000))).toBe(true);
  expect(result.endsWith(whole.slice(-300_000))).toBe(true);
  expect(text.pieces().length).toBeLessThan(3000);
});

test("for any sizes, the ends are right and the marker tells the truth", () => {
  let seed = 1;
  const random = (limit: number): number => (seed = (seed * 48_271) % 2_147_483_647) % limit;
  for (let round = 0; round < 500; round++) {
    const keep = 1 + random(40);
    const pieces = Array.from(
      { length: random(20) },
      () => "aé€😀"[Symbol.iterator]().next().value!.repeat(random(15)) + "é😀".slice(0, random(4)),
    );
    const whole = Buffer.from(
      pieces
        .map((piece) => Buffer.from(piece))
        .map(String)
        .join(""),
    );
    const text = filled(
      keep,
      pieces.map((piece) => String(Buffer.from(piece))),
    );
    expect(text.totalBytes).toBe(whole.length);
    if (!text.truncated) {
      expect(text.toString()).toBe(whole.toString());
      continue;
    }
    const [, head, left, total, tail] =
      /^(.*)\n\[… (\d+) bytes left out; the output was (\d+) bytes in all …\]\n(.*)$/s.exec(
        text.toString(),
      )!;
    expect(Number(total)).toBe(whole.length);
    expect(Buffer.byteLength(head!) + Number(left) + Buffer.byteLength(tail!)).toBe(whole.length);
    expect(whole.toString().startsWith(head!) && whole.toString().endsWith(tail!)).toBe(true);
  }
});
