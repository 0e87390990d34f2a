const MARKER_BYTES = 200;
/** How many bytes of the omitted part are searched, from its end, for a line about an error. */
const SEARCH_BYTES = 1024 * 1024;
const MAX_LINE_BYTES = 1000;
const ERROR = /error|exception|fatal|panic|traceback|fail(?:ed|ure)|cannot|denied/i;

/** A text, and whether part of it was left out. */
export interface Truncated {
  readonly text: string;
  readonly truncated: boolean;
  /** UTF-8 bytes of the whole text. */
  readonly totalBytes: number;
}

/**
 * Shortens a text to at most `maxBytes` bytes: the beginning and the end, with a note between them that says how much
 * was left out. Characters stay whole, lines where that costs little, and the last line that mentions an error is kept.
 */
export function truncate(text: string, maxBytes: number): Truncated {
  const bytes = Buffer.from(text);
  const totalBytes = bytes.length;
  if (totalBytes <= maxBytes) return { text, truncated: false, totalBytes };
  const room = Math.max(maxBytes - MARKER_BYTES, 0);
  const lineRoom = Math.min(MAX_LINE_BYTES, room >> 3);
  const kept = room - lineRoom;
  const headEnd = headBoundary(bytes, Math.floor(kept / 3));
  const tailStart = tailBoundary(bytes, totalBytes - (kept - Math.floor(kept / 3)));
  const line = lastErrorLine(bytes, headEnd, tailStart, lineRoom);
  const note = `\n[… ${tailStart - headEnd} of ${totalBytes} bytes left out …]\n`;
  const middle = line === "" ? note : `${note}${line}\n[…]\n`;
  return {
    text: bytes.toString("utf8", 0, headEnd) + middle + bytes.toString("utf8", tailStart),
    truncated: true,
    totalBytes,
  };
}

/** The first `maxBytes` bytes of a text, without splitting a character. */
export function firstBytes(text: string, maxBytes: number): string {
  if (text.length <= maxBytes && Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text.slice(0, maxBytes));
  return bytes.toString("utf8", 0, backToCharacter(bytes, maxBytes));
}

/** The last `maxBytes` bytes of a text, without splitting a character. */
export function lastBytes(text: string, maxBytes: number): string {
  if (text.length <= maxBytes && Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text.slice(-maxBytes));
  return bytes.toString("utf8", onToCharacter(bytes, Math.max(bytes.length - maxBytes, 0)));
}

function headBoundary(bytes: Buffer, at: number): number {
  const newline = at > 0 ? bytes.lastIndexOf(10, at - 1) : -1;
  return newline + 1 > at * 0.75 ? newline + 1 : backToCharacter(bytes, at);
}

function tailBoundary(bytes: Buffer, at: number): number {
  const newline = bytes.indexOf(10, at);
  const whole = newline >= 0 && newline + 1 - at < (bytes.length - at) / 4;
  return whole ? newline + 1 : onToCharacter(bytes, at);
}

/** The last line about an error, when it begins in the omitted part; a long line is cut to its beginning. */
function lastErrorLine(bytes: Buffer, from: number, to: number, room: number): string {
  let searchFrom = Math.max(from, to - SEARCH_BYTES);
  let end = bytes.length;
  while (end > searchFrom) {
    const begin = bytes.lastIndexOf(10, end - 1) + 1;
    if (begin < end) {
      const start = onToCharacter(bytes, Math.max(begin, searchFrom));
      const line = bytes.toString("utf8", start, Math.min(end, start + 4 * MAX_LINE_BYTES));
      if (ERROR.test(line)) return start < to ? firstBytes(line, room) : "";
    }
    end = begin - 1;
    if (bytes.length - end > 2 * SEARCH_BYTES && end > to) searchFrom = end;
  }
  return "";
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function backToCharacter(bytes: Buffer, at: number): number {
  let end = at;
  while (end > 0 && isContinuation(bytes[end])) end -= 1;
  return end;
}

function onToCharacter(bytes: Buffer, at: number): number {
  let start = at;
  while (isContinuation(bytes[start])) start += 1;
  return start;
}
