import type { WorkspaceChange } from "@emberbox/core/workspace";
import { afterEach, expect, test, vi } from "vitest";
import { forTerminal, hasColours } from "./colours.ts";
import { workspaceOf } from "./flags.ts";
import { lineOf, summaryOf } from "./summary.ts";

afterEach(() => vi.unstubAllEnvs());

const file = { type: "file", mode: 0o644, size: 1 } as const;
const change = (more: Partial<WorkspaceChange>): WorkspaceChange => ({
  path: "a",
  kind: "added",
  after: file,
  ...more,
});

test("a diff is coloured, and what a sandbox wrote steers no terminal", () => {
  const diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\u001B]0;title\u0007\r+fake\n same";
  expect(forTerminal(diff, true).split("\n")).toEqual([
    "\u001B[1m--- a/x\u001B[0m",
    "\u001B[1m+++ b/x\u001B[0m",
    "\u001B[36m@@ -1 +1 @@\u001B[0m",
    "\u001B[31m-old\u001B[0m",
    "\u001B[32m+new\u241B]0;title\u2407\u240D+fake\u001B[0m",
    " same",
  ]);
  expect(forTerminal(diff, false)).not.toContain("\u001B");
});

test("NO_COLOR, and a stream that is no terminal, get no colours", () => {
  vi.stubEnv("TERM", "xterm");
  vi.stubEnv("NO_COLOR", "");
  expect(hasColours({ isTTY: true })).toBe(true);
  expect(hasColours({})).toBe(false);
  vi.stubEnv("NO_COLOR", "1");
  expect(hasColours({ isTTY: true })).toBe(false);
});

test("a change is one line, whatever its name", () => {
  expect(lineOf(change({ path: "a\nb\u001B[2J" }))).toBe("added    a b\u241B[2J");
  expect(lineOf(change({ kind: "renamed", from: "x", before: file }))).toBe("renamed  x -> a");
  expect(lineOf(change({ kind: "mode", before: { ...file, mode: 0o755 } }))).toBe(
    "changed  a (mode 755 to 644)",
  );
  const directory = { ...file, type: "directory" } as const;
  expect(lineOf(change({ kind: "removed", before: directory, after: undefined }))).toBe(
    "removed  a/",
  );
  expect(lineOf(change({ refused: "it leads out" }))).toContain("cannot be applied: it leads out");
  const many = Array.from({ length: 100 }, (_, index) => change({ path: String(index) }));
  expect(summaryOf(many).split("\n")).toHaveLength(41);
  expect(summaryOf(many)).toContain("… and 60 more");
});

test("flags that need a folder are refused without one", () => {
  expect(workspaceOf({})).toBeUndefined();
  expect(workspaceOf({ workspace: ".", ignore: ["x"] })).toMatchObject({
    host: ".",
    ignore: ["x"],
  });
  expect(() => workspaceOf({ ignore: ["x"] })).toThrow("--ignore is of no use without --workspace");
  expect(() => workspaceOf({ workspaceMode: "live" })).toThrow("--workspace-mode");
});
