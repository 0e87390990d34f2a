import { EmberboxError } from "../errors.ts";

/**
 * Two forms of a path. As bytes: one character for each byte (latin1), which is what is compared and sent. As text, for
 * people and programs: UTF-8, with bytes that are not as U+DC80 to U+DCFF. Both can be turned into the other.
 */
const ESCAPE = 0xdc00;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A path of bytes as text. */
export function textOf(bytes: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/^[\0-\x7f]*$/.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, "latin1");
  try {
    return decoder.decode(buffer);
  } catch {
    return escaped(buffer);
  }
}

function escaped(buffer: Buffer): string {
  let text = "";
  for (let at = 0; at < buffer.length;) {
    const length = sequenceAt(buffer, at);
    if (length === 0) text += String.fromCharCode(ESCAPE + buffer[at]!);
    else text += buffer.toString("utf8", at, at + length);
    at += length || 1;
  }
  return text;
}

/** How many bytes a character takes that begins there; 0 if none does. */
function sequenceAt(buffer: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= buffer.length; length++) {
    try {
      decoder.decode(buffer.subarray(at, at + length));
      return length;
    } catch {
      // It may be longer.
    }
  }
  return 0;
}

/** A path of text as bytes. @throws `invalid_path` */
export function bytesOf(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  let bytes = "";
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff) bytes += String.fromCharCode(code - ESCAPE);
    else if (code >= 0xd800 && code <= 0xdfff)
      throw new EmberboxError("invalid_path", "A path has half of a surrogate pair in it");
    else bytes += Buffer.from(character).toString("latin1");
  }
  return bytes;
}

/** A path of bytes, for calls of the file system. */
export const bufferOf = (bytes: string): Buffer => Buffer.from(bytes, "latin1");

/** A path that somebody gave, relative to the folder; a slash at its end may be. @throws `invalid_path` */
export function givenPath(text: string): string {
  const path = bytesOf(text.replace(/^(?:\.\/+)+/, "").replace(/\/+$/, ""));
  if (path === "." || path === "") return "";
  if (path.includes("\0") || path.split("/").some((part) => ["", ".", ".."].includes(part)))
    throw new EmberboxError(
      "invalid_path",
      `Expected a path inside the workspace, got ${JSON.stringify(text.slice(0, 200))}`,
      { hint: "Use paths as `changes()` has them, relative to the folder." },
    );
  return path;
}

/** Whether a path is another, or in it; everything is in "". */
export const isIn = (path: string, directory: string): boolean =>
  directory === "" || path === directory || path.startsWith(`${directory}/`);

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));
export const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** The order of a baseline: by the bytes of segments, parents before what is in them. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const one = a.charCodeAt(at);
    const other = b.charCodeAt(at);
    // A slash is before any other byte.
    if (one !== other) return one === 0x2f ? -1 : other === 0x2f ? 1 : one - other;
  }
  return a.length - b.length;
}
