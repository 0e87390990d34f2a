import { expect, test } from "vitest";
import { matchesIn } from "./search.ts";

test("records are read as grep writes them", () => {
  const output = "./a.txt\u00001:one\n./new\nline\u000012:two: 2\n/b\u00003:\n./cut\u00004:no end";
  expect(matchesIn(output, "/base/")).toEqual([
    { path: "/base/a.txt", line: 1, text: "one" },
    { path: "/base/new\nline", line: 12, text: "two: 2" },
    { path: "/b", line: 3, text: "" },
  ]);
});

test("what is no record is passed over, and however long it is, once", () => {
  expect(matchesIn("./a\0x:one\n./b\u00002:two\n", "/")).toEqual([
    { path: "/b", line: 2, text: "two" },
  ]);
  for (const output of ["x".repeat(2_000_000), "\0".repeat(2_000_000), "\u00001".repeat(500_000)])
    expect(matchesIn(output, "/")).toEqual([]);
});
