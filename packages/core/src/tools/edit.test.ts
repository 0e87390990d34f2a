import { expect, test } from "vitest";
import { replaceExactly, snippet } from "./edit.ts";

const problem = (...given: Parameters<typeof replaceExactly>): string => {
  const edit = replaceExactly(...given);
  return "problem" in edit ? edit.problem : expect.fail("it was done");
};
const text = (...given: Parameters<typeof replaceExactly>): string => {
  const edit = replaceExactly(...given);
  return "text" in edit ? edit.text : expect.fail(edit.problem);
};

test("one occurrence is replaced, literally", () => {
  expect(text("a $1 .* b", "$1 .*", "$& $$ \\1", false)).toBe("a $& $$ \\1 b");
  expect(text("one\ntwo\n", "two\n", "", false)).toBe("one\n");
  expect(text("日本語", "本", "ほん", false)).toBe("日ほん語");
});

test("several occurrences are refused with their lines, unless all are meant", () => {
  expect(problem("x\ny\nx\n", "x", "z", false)).toMatch(/2 times \(lines 1, 3\).*multiple/);
  expect(replaceExactly("x\ny\nx\n", "x", "z", true)).toEqual({
    text: "z\ny\nz\n",
    count: 2,
    firstLine: 1,
  });
});

test("what is not there is said, with what comes close", () => {
  expect(problem("a\n\treturn 1\n", "    return 1", "x", false)).toContain("Line 2");
  expect(problem("a", "b", "c", false)).toContain("not found");
  expect(problem("a", "", "c", false)).toContain("empty");
  expect(problem("a", "a", "a", false)).toContain("same");
});

test("a file's CRLF stays", () => {
  expect(text("a\r\nb\r\nc\r\n", "a\nb", "1\n2\n3", false)).toBe("1\r\n2\r\n3\r\nc\r\n");
  expect(text("a\r\nb\r\n", "a\r\nb", "x", false)).toBe("x\r\n");
  expect(text("\uFEFFa\r\n", "a", "b", false)).toBe("\uFEFFb\r\n");
});

test("what takes a place gets the line ends of the file, one line or many", () => {
  expect(text("a\r\nb\r\n", "a", "1\n2", false)).toBe("1\r\n2\r\nb\r\n");
  expect(text("a\r\nb", "b", "1\n2", false)).toBe("a\r\n1\r\n2");
  expect(text("a\nb\n", "a\r\nb", "1\r\n2", false)).toBe("1\n2\n");
  expect(text("a\n\r\nb\n", "\nb", "\nc", false)).toBe("a\n\r\nc\n");
});

test("a mixed file is searched whatever its line ends, and lines that stay keep theirs", () => {
  expect(text("a\r\nb\nc\r\n", "a\nb\nc", "a\nB\nc", false)).toBe("a\r\nB\nc\r\n");
  expect(text("a\r\nb\nc\r\n", "a\nb\nc\n", "a\nb\nnew\nc\n", false)).toBe("a\r\nb\nnew\nc\r\n");
  expect(replaceExactly("x\r\ny\nx\ny\n", "x\ny", "z\ny", true)).toMatchObject({
    text: "z\r\ny\nz\ny\n",
    count: 2,
  });
  expect(text("a\nb\r\n", "b", "1\n2", false)).toBe("a\n1\r\n2\r\n");
});

test("line ends that are given are meant, where they are found", () => {
  expect(text("a\r\nb\r\n", "a\r\n", "a\n", false)).toBe("a\nb\r\n");
  expect(text("a\nb\n", "a\n", "a\r\n", false)).toBe("a\r\nb\n");
});

test("many places in a large file are one pass", () => {
  const large = `\r\n${"x\n".repeat(500_000)}`;
  expect(replaceExactly(large, "x\n", "yy\n", true)).toMatchObject({ count: 500_000 });
});

test("replacing there and back gives the text again", () => {
  for (let at = 0; at < 50; at += 1) {
    const lines = Array.from({ length: 20 }, (_, line) => `line ${line} of ${at}`);
    const from = lines.slice(at % 15, (at % 15) + 3).join("\n");
    const there = text(lines.join("\n"), from, "§\n$'", false);
    expect(text(there, "§\n$'", from, false)).toBe(lines.join("\n"));
  }
});

test("a snippet has the numbers of its lines", () => {
  expect(snippet("a\nb\nc\nd", 2, 1, 1)).toBe("1\ta\n2\tb\n3\tc");
});
