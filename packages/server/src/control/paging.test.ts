import { expect, test } from "vitest";
import { matches, readMetadataFilter } from "./metadata-filter.ts";
import { page, readLimit } from "./paging.ts";

interface Item {
  readonly time: number;
  readonly id: string;
}

const items: Item[] = [
  { time: 1, id: "a" },
  { time: 2, id: "c" },
  { time: 2, id: "b" },
  { time: 3, id: "d" },
];

/** All pages of a listing; `between` changes it after each. */
function read(order: "asc" | "desc", limit: number, between = (list: Item[]) => list): string[][] {
  const pages: string[][] = [];
  let list = items;
  for (let token: string | undefined, first = true; first || token; first = false) {
    const { items: given, next } = page(list, (item) => item, { order, limit, token });
    pages.push(given.map(({ id }) => id));
    token = next;
    list = between(list);
  }
  return pages;
}

test("pages are in order, and those of the same time by id", () => {
  expect(read("asc", 3)).toEqual([["a", "b", "c"], ["d"]]);
  expect(read("desc", 2)).toEqual([
    ["d", "c"],
    ["b", "a"],
  ]);
  expect(read("asc", 4)).toEqual([["a", "b", "c", "d"]]);
});

test("what comes and goes between pages neither repeats nor hides others", () => {
  const added = read("desc", 2, (list) => [{ time: 9, id: "new" }, ...list]);
  expect(added.flat()).toEqual(["d", "c", "b", "a"]);
  const removed = read("asc", 1, (list) => list.slice(1));
  expect(removed.flat()).toEqual(["a", "b", "c", "d"].filter((id) => removed.flat().includes(id)));
});

test("limits and tokens that are none are refused", () => {
  expect([readLimit(undefined), readLimit("7"), readLimit("1000")]).toEqual([100, 7, 100]);
  for (const limit of ["0", "-1", "x", "1.5", ""]) expect(() => readLimit(limit)).toThrow("limit");
  for (const token of ["x", "W10", Buffer.from("[1]").toString("base64url")])
    expect(() => page(items, (item) => item, { order: "asc", limit: 1, token })).toThrow("token");
});

test("a filter by metadata is unescaped twice", () => {
  const filter = readMetadataFilter("k%20ey=v%2520%2526w&other=1");
  expect([...filter]).toEqual([
    ["k ey", "v &w"],
    ["other", "1"],
  ]);
  expect(matches({ "k ey": "v &w", other: "1", more: "2" }, filter)).toBe(true);
  expect(matches({ other: "1" }, filter)).toBe(false);
  expect(matches({}, readMetadataFilter("constructor=x"))).toBe(false);
  expect(() => readMetadataFilter("novalue")).toThrow("key=value");
  expect(() => readMetadataFilter("a=%zz")).toThrow("escaped");
});
