import { expect, test } from "vitest";
import { Names } from "./names.ts";

test("what servers offer has their names before its own, in a form that models' services take", () => {
  const names = new Names<string>();
  names.add("files", "read", "1");
  names.add("github/some.one/a-server", "list issues", "2");
  names.add("files", "x".repeat(200), "3");
  names.add("files", `${"x".repeat(200)}y`, "4");
  expect([...names].map(([name]) => name)).toEqual([
    "files_read",
    "github_some_one_a-server_list_issues",
    expect.stringMatching(/^files_x{49}_[0-9a-f]{8}$/),
    expect.stringMatching(/^files_x{49}_[0-9a-f]{8}$/),
  ]);
  for (const [name] of names) expect(name).toMatch(/^[\w-]{1,64}$/);
});

test("what would have the name of another gets one of its own, the same each time", () => {
  const names = new Names<string>();
  names.add("a_b", "c", "first");
  names.add("a", "b_c", "second");
  expect([...names]).toEqual([
    ["a_b_c", "first"],
    ["a_b_c_662f0bbb", "second"],
  ]);
  expect(names.get("a_b")).toBeUndefined();
});
