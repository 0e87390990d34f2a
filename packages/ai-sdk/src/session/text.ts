import { EmberboxError } from "@emberbox/core";

export function encode(text: string, encoding?: string): Uint8Array {
  return Buffer.from(text, known(encoding));
}

export function decode(bytes: Uint8Array, encoding?: string): string {
  // Copied: Node 24 writes past its memory for UTF-16 of an odd length that begins at an odd address.
  return Buffer.from(bytes).toString(known(encoding));
}

/** The lines between two line numbers, counted from 1, with their original line endings. */
export function linesOf(
  text: string,
  { startLine, endLine }: { readonly startLine?: number; readonly endLine?: number },
): string {
  if (startLine === undefined && endLine === undefined) return text;
  const lineEnd = ["\r\n", "\n", "\r"].find((end) => text.includes(end)) ?? "\n";
  const first = Math.max(startLine ?? 1, 1) - 1;
  return text
    .split(lineEnd)
    .slice(first, Math.max(endLine ?? Infinity, 0))
    .join(lineEnd);
}

function known(encoding: string = "utf-8"): BufferEncoding {
  if (Buffer.isEncoding(encoding)) return encoding;
  throw new EmberboxError(
    "invalid_argument",
    `Unknown encoding ${JSON.stringify(encoding.slice(0, 50))}; those of Node's Buffer are known`,
  );
}
