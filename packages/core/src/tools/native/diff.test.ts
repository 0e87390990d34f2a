import { expect, test } from "vitest";
import { applyDiff } from "./diff.ts";

const whole = (lines: string[]): string => lines.map((line) => `${line}\n`).join("");

test("a new file is its added lines", () => {
  expect(applyDiff("", "+a\n+\n+b", "create")).toBe("a\n\nb\n");
  expect(() => applyDiff("", "+a\nb", "create")).toThrow('must begin with "+"');
});

test("context says where lines are removed and added", () => {
  expect(applyDiff("a\nb\nc\n", "@@\n a\n-b\n+B\n c")).toBe("a\nB\nc\n");
  expect(applyDiff("a\nb\nc", "@@\n-c\n+C")).toBe("a\nb\nC");
  expect(applyDiff("a\nb\n", "@@\n-a\n-b")).toBe("");
  expect(applyDiff("", "@@\n+a")).toBe("a\n");
});

test("an anchor chooses among places that look the same", () => {
  const file = "class A:\n  def f():\n    pass\nclass B:\n  def f():\n    pass\n";
  expect(applyDiff(file, "@@ class B:\n@@   def f():\n-    pass\n+    return 1")).toBe(
    "class A:\n  def f():\n    pass\nclass B:\n  def f():\n    return 1\n",
  );
  expect(() => applyDiff(file, "@@ class C:\n-    pass")).toThrow("class C:");
});

test("sections come one after the other", () => {
  const file = Array.from({ length: 30 }, (_, at) => `line ${at}`).join("\n");
  const changed = applyDiff(file, "@@\n line 3\n-line 4\n+four\n@@\n-line 20\n+twenty\n+more");
  expect(changed.split("\n").length).toBe(31);
  expect(changed).toContain("line 3\nfour\nline 5");
  expect(changed).toContain("line 19\ntwenty\nmore\nline 21");
  expect(() => applyDiff(file, "@@\n-line 20\n@@\n-line 4")).toThrow("not found in the file after");
});

test("other white space in the context is passed over, and the file's is kept", () => {
  expect(applyDiff("\tif x:\n\t\ty()  \nend\n", "@@\n if x:\n y()\n-end\n+END")).toBe(
    "\tif x:\n\t\ty()  \nEND\n",
  );
});

test("line endings stay", () => {
  expect(applyDiff("a\r\nb\r\n", "@@\n a\n-b\n+B\n+C")).toBe("a\r\nB\r\nC\r\n");
});

test("the end of the file can be meant", () => {
  expect(applyDiff("x\ny\nx\ny\n", "@@\n x\n-y\n+z\n*** End of File")).toBe("x\ny\nx\nz\n");
  expect(applyDiff("a\n", "@@\n+b\n*** End of File")).toBe("a\nb\n");
});

test("what does not fit is named", () => {
  expect(() => applyDiff("a\nb\n", "@@\n-nothing like it")).toThrow("nothing like it");
  expect(() => applyDiff("a\n", "@@\n?what")).toThrow("Line 2 of the diff");
});

test("any change of lines, written as a diff, gives those lines", () => {
  for (let seed = 1; seed < 200; seed += 1) {
    const before = Array.from({ length: 5 + (seed % 20) }, (_, at) => `${at}: ${(at * seed) % 7}`);
    const at = (seed * 7) % before.length;
    const count = Math.min((seed % 4) + 1, before.length - at);
    const added = Array.from({ length: seed % 5 }, (_, index) => `new ${index}`);
    const after = [...before.slice(0, at), ...added, ...before.slice(at + count)];
    const diff = [
      "@@",
      ...before.slice(Math.max(at - 2, 0), at).map((line) => ` ${line}`),
      ...before.slice(at, at + count).map((line) => `-${line}`),
      ...added.map((line) => `+${line}`),
      ...before.slice(at + count, at + count + 2).map((line) => ` ${line}`),
    ].join("\n");
    expect(applyDiff(whole(before), diff)).toBe(whole(after));
  }
});

test("lines of a mixed file keep their ends, and new ones get that of the line before", () => {
  const diff = "@@\n a\n-b\n+B\n+new\n c";
  expect(applyDiff("a\r\nb\nc\r\nd\n", diff)).toBe("a\r\nB\r\nnew\r\nc\r\nd\n");
  expect(applyDiff("a\r\nb", "@@\n-b\n+B\n+C")).toBe("a\r\nB\r\nC");
});
