import { expect, test } from "vitest";
import { inWords } from "./durations.ts";
import { insideOf } from "./cp.ts";
import { rowOf, table } from "./list.ts";

const NOW = Date.UTC(2026, 0, 2);

test("a table has what is known of each, whatever labels hold", () => {
  const rows = [
    rowOf(
      {
        ...{ kind: "running", id: "ia", memoryMB: 1024, template: "default" },
        since: new Date(NOW - 90_000),
        until: new Date(NOW + 3 * 3_600_000),
        metadata: { a: "1\n\u001B[31m2" },
        program: { pid: 7, name: "agent.mjs" },
      },
      NOW,
    ),
    rowOf({ kind: "snapshot", id: "sb", sizeBytes: 1_048_576, names: ["mine"], of: "ia" }, NOW),
    rowOf({ kind: "paused", id: "ic", problem: "it was changed" }, NOW),
  ];
  const text = table([["ID", "STATE"].concat(Array.from({ length: 6 }, () => "")), ...rows]);
  const lines = text.trimEnd().split("\n");
  expect(lines).toHaveLength(4);
  expect(text).not.toContain("\u001B");
  expect(rows[0]!.slice(0, 7)).toEqual([
    ...["ia", "running", "90 s", "3 h", "1024 MiB", "default", "agent.mjs (7)"],
  ]);
  expect(rows[1]).toEqual(["sb", "snapshot", "", "", "1.0 MiB", "", "", "mine of ia"]);
  expect(rows[2]).toEqual(["ic", "damaged", "", "", "", "", "", "it was changed"]);
});

test.each([
  [-5, "0 s"],
  [119_999, "119 s"],
  [120_000, "2 min"],
  [7_200_000, "2 h"],
  [8 * 86_400_000, "8 d"],
])("%d ms are %s", (ms, words) => expect(inWords(ms)).toBe(words));

test("a path in a sandbox begins with an id", () => {
  expect(insideOf("iabc:/x:y")).toEqual({ id: "iabc", path: "/x:y" });
  for (const outside of ["./a:b", "/a:b", "a", ":b", "a:"])
    expect(insideOf(outside)).toBeUndefined();
});
