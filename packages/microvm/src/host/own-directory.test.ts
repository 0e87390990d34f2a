import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { requireOwnDirectory } from "./own-directory.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "emberbox-own-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const inside = (name: string, mode: number): string => {
  const path = join(directory, name);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
};
const refusal = (path: string): string => {
  try {
    requireOwnDirectory(path);
    return "none";
  } catch (error) {
    return (error as Error).message;
  }
};

test("a directory of one's own, there or still to be made, is a safe place", () => {
  expect(refusal(directory)).toBe("none");
  expect(refusal(join(directory, "to/be/made"))).toBe("none");
  symlinkSync(inside("own", 0o755), join(directory, "link"));
  expect(refusal(join(directory, "link/below"))).toBe("none");
});

test("one that others may write to is not, nor what is below it", () => {
  const open = inside("open", 0o777);
  mkdirSync(join(open, "below"), { mode: 0o700 });
  for (const path of [open, join(open, "below"), join(open, "to-be-made")])
    expect(refusal(path)).toBe(
      `${path} is not a safe place for sandboxes: others may write to ${open}`,
    );
});

test("in a sticky directory our own is safe, and the directory itself is not", () => {
  const sticky = inside("sticky", 0o1777);
  expect(refusal(join(sticky, "below"))).toBe("none");
  expect(refusal(sticky)).toContain("others may write");
});

test("a link counts as what it leads to; a loop, or a file, is no place", () => {
  symlinkSync(inside("open", 0o777), join(directory, "link"));
  expect(refusal(join(directory, "link"))).toContain("others may write");
  symlinkSync(join(directory, "loop"), join(directory, "loop"));
  expect(refusal(join(directory, "loop"))).toContain("loop of links");
  writeFileSync(join(directory, "file"), "");
  expect(refusal(join(directory, "file"))).toContain("is not a directory");
});
