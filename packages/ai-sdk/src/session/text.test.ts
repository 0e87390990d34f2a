import { expect, test } from "vitest";
import { decode, encode, linesOf } from "./text.ts";

test("lines are counted from 1, and keep the ends that the text has", () => {
  expect(linesOf("a\nb\nc", { startLine: 2 })).toBe("b\nc");
  expect(linesOf("a\r\nb\r\nc", { startLine: 1, endLine: 2 })).toBe("a\r\nb");
  expect(linesOf("a\rb", { startLine: 2, endLine: 9 })).toBe("b");
  expect(linesOf("a\nb", { startLine: 0, endLine: -3 })).toBe("");
  expect(linesOf("a\nb", { startLine: 5 })).toBe("");
  expect(linesOf("a\nb\n", {})).toBe("a\nb\n");
});

test("encodings are Node's, both ways", () => {
  for (const encoding of [undefined, "utf-8", "latin1", "utf16le"]) {
    expect(decode(encode("é", encoding), encoding)).toBe("é");
  }
  expect(() => encode("x", "klingon")).toThrow(/klingon/);
});
