import { expect, test } from "vitest";
import { asOnTerminal } from "./printed.ts";

test("a line is what was written to it last", () => {
  expect(asOnTerminal("\r 1%\r50%\r100%\ndone\n")).toBe("100%\ndone\n");
  expect(asOnTerminal("a\r\nb\r\n")).toBe("a\r\nb\r\n");
  expect(asOnTerminal("10%\r20%\r")).toBe("20%\r");
  expect(asOnTerminal("|\b/\b-\bok\n\bN\bNA\bA")).toBe("ok\nNA");
  expect(asOnTerminal("\x1b[31mred\x1b[0m")).toBe("red");
});

test("a flood of states is one pass", () => {
  const flood = Array.from({ length: 300_000 }, (_, at) => `\r${at}/300000`).join("");
  expect(asOnTerminal(flood)).toBe("299999/300000");
});
