// Text that a sandbox may have written, on its way to a terminal. Nothing is searched for and removed, since what is
// left could be a sequence again: each character that may steer a terminal is replaced by one that is only seen.

/** The one thing that may steer: colours and weights, `ESC [ 1;31 m`. */
const STYLE = String.raw`\u001B\[[\d:;]{0,60}m`;
/**
 * Control characters, also the second set of them that some terminals obey; what separates lines, turns the direction
 * of writing or is never seen. Joiners and variation selectors stay: scripts and emoji need them.
 */
const STEERING = String.raw`(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]`;

const styleOrSteering = new RegExp(String.raw`(${STYLE})|\r\n?|${STEERING}`, "gu");
const steering = new RegExp(STEERING, "gu");
/** What more text may complete: the beginning of a style, or the first half of a character. */
// oxlint-disable-next-line no-control-regex
const unfinished = /(?:\u001B(?:\[[\d:;]{0,60})?|[\uD800-\uDBFF])$/;
const END_OF_STYLE = "\u001B[0m";

/** The parts of one text, as they come. It holds back a few characters at most. */
export class TerminalText {
  #held = "";
  #afterReturn = false;
  #styled = false;

  /** What may be written to a terminal now. */
  push(text: string): string {
    if (text === "") return "";
    const all = this.#held + text;
    this.#held = unfinished.exec(all)?.[0] ?? "";
    const from = this.#afterReturn && all.startsWith("\n") ? 1 : 0;
    const whole = all.slice(from, all.length - this.#held.length);
    this.#afterReturn = whole.endsWith("\r");
    return this.#shown(whole);
  }

  /** The rest; the terminal's style is its own again. */
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

/** A whole text with its colours, which end with it. */
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

/** JSON whose strings have no character, only escapes, for what may steer a terminal. */
export function safeJson(json: string): string {
  return json.replace(steering, (found) => found.split("").map(escaped).join(""));
}

function escaped(codeUnit: string): string {
  return `\\u${codeUnit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** The picture that Unicode has of a control character, else the number of the character. */
function visible(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x20) return String.fromCodePoint(0x24_00 + code);
  if (code === 0x7f) return "\u2421";
  if (code >= 0xd8_00 && code <= 0xdf_ff) return "\uFFFD";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}
