// Makes text that a sandbox may have written safe for a terminal. Nothing is removed, since what remains could form a
// sequence again: each character that may control a terminal is replaced by a visible one.

/** The only control sequences that pass: colours and weights, `ESC [ 1;31 m`. */
const STYLE = String.raw`\u001B\[[\d:;]{0,60}m`;
/**
 * Control characters, including the second set that some terminals obey, and characters that separate lines, change the
 * writing direction or are invisible. Joiners and variation selectors stay: scripts and emoji need them.
 */
const STEERING = String.raw`(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]`;

const styleOrSteering = new RegExp(String.raw`(${STYLE})|\r\n?|${STEERING}`, "gu");
const steering = new RegExp(STEERING, "gu");
/** What later text may complete: the start of a style, or the first half of a character. */
// oxlint-disable-next-line no-control-regex
const unfinished = /(?:\u001B(?:\[[\d:;]{0,60})?|[\uD800-\uDBFF])$/;
const END_OF_STYLE = "\u001B[0m";

/** One text that arrives in pieces. It holds back a few characters at most. */
export class TerminalText {
  #held = "";
  #afterReturn = false;
  #styled = false;

  /** Returns what may be written to the terminal now. */
  push(text: string): string {
    if (text === "") return "";
    const all = this.#held + text;
    this.#held = unfinished.exec(all)?.[0] ?? "";
    const from = this.#afterReturn && all.startsWith("\n") ? 1 : 0;
    const whole = all.slice(from, all.length - this.#held.length);
    this.#afterReturn = whole.endsWith("\r");
    return this.#shown(whole);
  }

  /** Returns the rest, and resets the terminal's style. */
  end(): string {
    const rest = this.#shown(this.#held);
    this.#held = "";
    const styled = this.#styled;
    this.#styled = false;
    return styled ? `${rest}${END_OF_STYLE}` : rest;
  }

  #shown(text: string): string {
    return text.replace(styleOrSteering, (found: string, style: string | undefined) => {
      if (style === undefined) return found.startsWith("\r") ? "\n" : visible(found);
      this.#styled = true;
      return style;
    });
  }
}

/** A whole text with its colours, reset at the end. */
export function styledText(text: string): string {
  const whole = new TerminalText();
  return whole.push(text) + whole.end();
}

/** A whole text without colours. */
export function plainText(text: string): string {
  return text.replace(styleOrSteering, (found: string, style: string | undefined) => {
    if (style !== undefined) return "";
    return found.startsWith("\r") ? "\n" : visible(found);
  });
}

/** A whole text as one line, without colours. */
export function oneLine(text: string): string {
  return plainText(text).replaceAll(/[\t\n]+/g, " ");
}

/** JSON in which characters that may control a terminal are escaped. */
export function safeJson(json: string): string {
  return json.replace(steering, (found) => found.split("").map(escaped).join(""));
}

function escaped(codeUnit: string): string {
  return `\\u${codeUnit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Unicode's symbol for a control character, or else the character's code. */
function visible(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x20) return String.fromCodePoint(0x24_00 + code);
  if (code === 0x7f) return "\u2421";
  if (code >= 0xd8_00 && code <= 0xdf_ff) return "\uFFFD";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}
