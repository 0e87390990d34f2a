import { describe, expect, test } from "vitest";
import { oneLine, plainText, safeJson, styledText, TerminalText } from "./terminal.ts";

const ESC = "\u001B";
/** What no text for a terminal may contain, apart from styles. */
const FORBIDDEN =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/u;
// oxlint-disable-next-line no-control-regex
const STYLES = /\u001B\[[\d:;]{0,60}m/g;
const isSafe = (text: string): boolean => !FORBIDDEN.test(text.replaceAll(STYLES, ""));

/** Feeds the text in pieces of the lengths that `length` picks. */
function inPieces(text: string, length: (left: number) => number): string {
  const terminal = new TerminalText();
  let shown = "";
  for (let at = 0; at < text.length;) {
    const end = at + Math.max(1, length(text.length - at));
    shown += terminal.push(text.slice(at, end));
    at = end;
  }
  return shown + terminal.end();
}

describe("what steers a terminal is shown, and does not steer it", () => {
  test.each([
    [
      "a sequence inside a sequence",
      `${ESC}${ESC}[0m]52;c;aGk=\u0007`,
      `␛${ESC}[0m]52;c;aGk=␇${ESC}[0m`,
    ],
    ["the clipboard", `${ESC}]52;c;aGk=${ESC}\\`, "␛]52;c;aGk=␛\\"],
    ["a title", `${ESC}]0;root#\u0007`, "␛]0;root#␇"],
    ["APC, PM, SOS, DCS", `${ESC}_a${ESC}^b${ESC}Xc${ESC}Pd`, "␛_a␛^b␛Xc␛Pd"],
    [
      "the second set of controls",
      "\u009B2J\u009D0;x\u009C\u0085",
      "<U+009B>2J<U+009D>0;x<U+009C><U+0085>",
    ],
    ["movement and erasure", `${ESC}[2J${ESC}[1;1H${ESC}[K`, "␛[2J␛[1;1H␛[K"],
    ["modes", `${ESC}[?1049h${ESC}c${ESC}[>4;2m`, "␛[?1049h␛c␛[>4;2m"],
    ["backspace and the bell", "pass\b\b\b\bfail\u0007", "pass␈␈␈␈fail␇"],
    ["writing over a line", "rm -rf /\rls       \r", "rm -rf /\nls       \n"],
    ["deletion", "a\u007F", "a␡"],
    ["the direction of writing", "\u202Egnp.exe\u2066\u200F", "<U+202E>gnp.exe<U+2066><U+200F>"],
    ["what is not seen", "a\uFEFFb\u{E0041}", "a<U+FEFF>b<U+E0041>"],
    ["half a character", "\uD83D.", "\uFFFD."],
    ["a style that does not end", `${ESC}[${"1;".repeat(40)}m`, `␛[${"1;".repeat(40)}m`],
  ])("%s", (_, text, shown) => {
    expect(styledText(text)).toBe(shown);
  });
});

test("text, its lines, its colours and what scripts and emoji are made of stay", () => {
  const text = "naïve 汉字 שלום 👩‍👩‍👧 ❤️ می‌خواهم\n\tindented\n";
  expect(styledText(text)).toBe(text);
  expect(styledText("one\r\ntwo\r\n")).toBe("one\ntwo\n");
  const coloured = `${ESC}[1;38;5;196mred${ESC}[m ${ESC}[4:3mwavy${ESC}[0m`;
  expect(styledText(coloured)).toBe(`${coloured}${ESC}[0m`);
  expect(plainText(coloured)).toBe("red wavy");
  expect(oneLine(`a\n${ESC}[31mb\r\nc\td`)).toBe("a b c d");
});

test("a terminal has its own colours again at the end", () => {
  const terminal = new TerminalText();
  expect(terminal.push(`${ESC}[31mred`)).toBe(`${ESC}[31mred`);
  expect(terminal.push(`${ESC}[3`)).toBe("");
  expect(terminal.end()).toBe(`␛[3${ESC}[0m`);
  expect(terminal.end()).toBe("");
});

test("JSON says the same, in characters that steer nothing", () => {
  const value = { "\u009B": [`${ESC}]52;c;\u0007`, "\u007F\u2028\u202E\u{E0001}\uFEFF", "é 👩‍👧\n"] };
  const json = safeJson(JSON.stringify(value, undefined, 2));
  expect(isSafe(json)).toBe(true);
  expect(JSON.parse(json)).toEqual(value);
});

test("whatever comes in whatever pieces, nothing comes out that steers", () => {
  const parts = [
    ESC,
    "[",
    "]",
    "31",
    ";",
    "m",
    "0m",
    `${ESC}[1m`,
    "52;c;",
    "\r",
    "\n",
    "\b",
    "\u0007",
    "\u009B",
    "\u009D",
    "\u202E",
    "👩",
    "\u200D",
    "\uD83D",
    "\uDC69",
    "\u0000",
    "_",
    "\\",
    "text",
    "?25l",
    "\u{E0020}",
    "\u007F",
  ];
  let seed = 1;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < 5000; round++) {
    const text = Array.from({ length: random(30) }, () => parts[random(parts.length)]).join("");
    const shown = styledText(text);
    expect(isSafe(shown), JSON.stringify(text)).toBe(true);
    expect(isSafe(plainText(text)) && !plainText(text).includes(ESC)).toBe(true);
    expect(
      inPieces(text, () => 1 + random(4)),
      JSON.stringify(text),
    ).toBe(shown);
    expect(plainText(shown)).toBe(plainText(text));
    expect(plainText(plainText(text))).toBe(plainText(text));
  }
});

test("it holds back no more than a few characters, and its work grows with the text", () => {
  const terminal = new TerminalText();
  let shown = 0;
  for (let piece = 0; piece < 2000; piece++)
    shown += terminal.push(`${ESC}[${"1".repeat(500)}`).length;
  expect(shown).toBeGreaterThan(2000 * 502 - 100);
});
