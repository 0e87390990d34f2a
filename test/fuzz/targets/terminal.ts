import {
  oneLine,
  plainText,
  safeJson,
  styledText,
  TerminalText,
} from "../../../packages/core/src/terminal.ts";
import { check, inPieces, type Target } from "../target.ts";

/** What no terminal may get, once its styles are taken away. */
// oxlint-disable-next-line no-control-regex
const STYLES = /\u001B\[[\d:;]{0,60}m/g;
const FORBIDDEN =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/u;

const isSafe = (text: string): boolean => !FORBIDDEN.test(text);

/** What is shown in a terminal. */
export const target: Target = {
  refuses: () => false,
  heapBytesPerByte: 4096,
  words: [
    "\u001B[",
    "\u001B]52;c;",
    "\u001B[31m",
    "\u009B",
    "\u202E",
    "\u{E0041}",
    "\u2028",
    "\r\n",
  ],
  run(input) {
    const { bytes } = inPieces(input);
    // A copy: Node 24 writes past its memory for UTF-16 of an odd length that begins at an odd address.
    const text = Buffer.from(bytes).toString((input[0] ?? 0) & 0x80 ? "utf8" : "utf16le");
    const shown = styledText(text);
    check(isSafe(shown.replaceAll(STYLES, "")), "what is shown steers");
    check(shown.length <= 16 + 10 * text.length, "what is shown has no end");
    check(isSafe(plainText(text)), "what is shown plainly steers");
    check(!/[\n\t]/.test(oneLine(text)), "more than one line");
    check(plainText(shown) === plainText(text), "what was shown is shown otherwise");
    const json = JSON.stringify({ [text.slice(0, 8)]: text });
    check(isSafe(safeJson(json)), "JSON steers");
    check(JSON.stringify(JSON.parse(safeJson(json))) === json, "JSON says something else");
    const terminal = new TerminalText();
    const size = ((input[0] ?? 0) & 0x1f) + 1;
    let cut = "";
    for (let at = 0; at < text.length; at += size) cut += terminal.push(text.slice(at, at + size));
    check(cut + terminal.end() === shown, "cut in pieces it is shown otherwise");
  },
};
