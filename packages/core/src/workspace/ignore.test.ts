import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { temporary } from "../testing/temporary.ts";
import { ignoreRules, isRuleFor } from "../ignore-rules.ts";
import { IgnoreTree } from "./ignore-tree.ts";
import { scan } from "./scan.ts";

/** The same numbers each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >> 8) % below;
  };
}

const names = ["a", "b", "ab", "a.b", "b c", "x[1]", "é", "build", "A", "-"];
const pieces = [
  "a",
  "b",
  "*",
  "?",
  "[ab]",
  "[!a]",
  "[a-c]",
  ".",
  "ab",
  "[[:upper:]]",
  "\\*",
  "é",
  " ",
  "[",
  "x\\[1]",
];

test("patterns mean what they mean to git", async () => {
  const pick = numbers(7);
  const one = <Item>(of: readonly Item[]): Item => of[pick(of.length)]!;
  const root = await temporary();
  const git = (...words: string[]) => execFileSync("git", ["-C", root, ...words]);
  git("init", "-q");
  const paths = new Set<string>();
  for (let count = 0; count < 60; count++) {
    const depth = 1 + pick(4);
    paths.add(Array.from({ length: depth }, () => one(names)).join("/"));
  }
  const files = [...paths].filter(
    (path) => ![...paths].some((other) => other.startsWith(`${path}/`)),
  );
  for (const file of files) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await writeFile(join(root, file), "");
  }
  let ignored = 0;
  for (let round = 0; round < 40; round++) {
    const lines = Array.from({ length: 1 + pick(6) }, () => {
      const parts = Array.from({ length: 1 + pick(3) }, () =>
        // Git's own reading of `x**` depends on whether `x` has a wildcard.
        pick(6) === 0 ? "**" : Array.from({ length: 1 + pick(3) }, () => one(pieces)).join(""),
      );
      const text = pick(4) === 0 ? `**/${parts.join("/")}` : parts.join("/");
      return `${one(["", "", "", "!", "/", "#", "\\"])}${text}${one(["", "", "", "/", "/**", "  ", "\r"])}`;
    });
    const inner = dirname(one(files));
    await writeFile(join(root, ".gitignore"), lines.join("\n"));
    await writeFile(
      join(root, inner, ".gitignore"),
      inner === "." ? lines.join("\n") : lines.toReversed().join("\n"),
    );
    const expected = git("ls-files", "-z", "--others", "--exclude-per-directory=.gitignore")
      .toString()
      .split("\0")
      .filter((path) => path !== "" && !path.endsWith(".gitignore"));
    const ignore = new IgnoreTree([], true);
    const { baseline } = await scan(root, { ignore, secrets: true });
    const found = baseline.entries
      .filter(({ type }) => type === "file")
      .map(({ path }) => Buffer.from(path, "latin1").toString())
      .filter((path) => !path.startsWith(".git/") && !path.endsWith(".gitignore"));
    expect(found.toSorted(), JSON.stringify(lines)).toEqual(expected.toSorted());
    ignored += files.length - found.length;
    if (inner !== ".") await writeFile(join(root, inner, ".gitignore"), "");
  }
  // The patterns are not all such that they fit nothing.
  expect(ignored).toBeGreaterThan(100);
});

test("a pattern that takes expressions long takes no time", () => {
  const [rule] = ignoreRules(`${"*a".repeat(100)}b`);
  const before = performance.now();
  expect(isRuleFor(rule!, "a".repeat(4000), false)).toBe(false);
  const [deep] = ignoreRules(`${"**/a/".repeat(50)}b`);
  expect(isRuleFor(deep!, "a/".repeat(1000).slice(0, -1), false)).toBe(false);
  expect(performance.now() - before).toBeLessThan(1000);
});

test("what is given goes before files, and the inner file before the outer one", async () => {
  const root = await temporary();
  await mkdir(join(root, "in"));
  await writeFile(join(root, ".emberboxignore"), "*.log\nkept\n");
  await writeFile(join(root, "in", ".emberboxignore"), "!kept\n!*.log\n");
  for (const path of ["a.log", "kept", "in/a.log", "in/kept", "in/b.log"])
    await writeFile(join(root, path), "");
  const ignore = new IgnoreTree(["b.log"]);
  const { baseline, leftOut } = await scan(root, { ignore, secrets: false });
  expect(baseline.entries.map(({ path }) => path)).toEqual([
    ".emberboxignore",
    "in",
    "in/.emberboxignore",
    "in/a.log",
    "in/kept",
  ]);
  expect(leftOut).toEqual([
    { path: "a.log", reason: "ignored", detail: "*.log" },
    { path: "in/b.log", reason: "ignored", detail: "b.log" },
    { path: "kept", reason: "ignored", detail: "kept" },
  ]);
});

test("an ignore file that is a link is none, and .git stays whatever .gitignore says", async () => {
  const root = await temporary();
  await mkdir(join(root, ".git"));
  await writeFile(join(root, ".git", "HEAD"), "ref: refs/heads/main\n");
  await writeFile(join(root, ".gitignore"), ".*\n");
  await writeFile(join(root, "a"), "");
  const other = await temporary();
  await writeFile(join(other, "list"), "a\n");
  await symlink(join(other, "list"), join(root, ".emberboxignore"));
  const { baseline } = await scan(root, { ignore: new IgnoreTree([], true), secrets: false });
  expect(baseline.entries.map(({ path }) => path)).toEqual([".git", ".git/HEAD", "a"]);
});
