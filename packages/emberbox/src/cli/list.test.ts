import { expect, test } from "vitest";
import { inWords } from "./durations.ts";
import { insideOf, within } from "./cp.ts";
import { rowOf, table, withLatestCheckpoints } from "./list.ts";

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

const checkpoint = (id: string, of: string) => ({ kind: "checkpoint", id, of }) as const;

test("checkpoints say whose they are; among other things only the latest of each sandbox are shown", () => {
  const row = rowOf(
    { ...checkpoint("ca", "ia"), label: "\u009B2J", by: "call 1", current: true, abandoned: true },
    NOW,
  );
  expect(row.at(-1)).toBe("\u009B2J by call 1 of ia current whose program was killed");
  expect(table([row])).not.toContain("\u009B");
  const others = [{ kind: "running", id: "ia" } as const, checkpoint("cz", "ib")];
  const many = Array.from({ length: 1000 }, (_, at) => checkpoint(`c${at}`, "ia"));
  const shown = withLatestCheckpoints([...others, ...many]).map(({ id }) => id);
  expect(shown).toEqual(["ia", "cz", "c997", "c998", "c999"]);
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

test("what is copied into a directory keeps its name, if it has one", () => {
  expect(within("to/", "a/b/")).toBe("to/b");
  expect(within("/", "/b.txt")).toBe("/b.txt");
  for (const nameless of ["a/.", ".", "..", "a/..", "/", "a/../"])
    expect(within("to", nameless)).toBe("to");
});
