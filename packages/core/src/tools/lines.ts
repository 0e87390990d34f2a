import { firstBytes } from "./truncate.ts";

/** The most bytes shown of one line. */
const MAX_LINE_BYTES = 4000;

export interface ReadLines {
  readonly lines: string[];
  /** Whether more lines follow. */
  readonly more: boolean;
  /** How many lines were cut. */
  readonly cut: number;
  /** How many lines were passed, including those read. */
  readonly seen: number;
}

/** Reads some lines of a stream, and no more of it than needed, in bounded memory; bytes that are not UTF-8 become �. */
export async function readLines(
  stream: ReadableStream<Uint8Array>,
  { offset, limit, maxBytes }: { offset: number; limit: number; maxBytes: number },
): Promise<ReadLines | "binary"> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const lines: string[] = [];
  let [seen, cut, bytes, more] = [0, 0, 0, false];
  let line = "";
  let begun = false;
  /** Returns false once no more lines are needed. */
  const endLine = (): boolean => {
    seen += 1;
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    line = "";
    begun = false;
    if (seen < offset) return true;
    const shown = firstBytes(text, Math.min(MAX_LINE_BYTES, maxBytes));
    bytes += Buffer.byteLength(shown) + 1;
    if (lines.length >= limit || (bytes > maxBytes && lines.length > 0)) {
      more = true;
      return false;
    }
    if (shown.length < text.length) cut += 1;
    lines.push(shown);
    return true;
  };
  const take = (text: string): boolean => {
    let from = 0;
    for (;;) {
      const newline = text.indexOf("\n", from);
      const piece = text.slice(from, newline < 0 ? undefined : newline);
      if (piece !== "") begun = true;
      if (seen + 1 >= offset && line.length <= MAX_LINE_BYTES)
        line += piece.slice(0, 2 * MAX_LINE_BYTES);
      if (newline < 0) return true;
      if (!endLine()) return false;
      from = newline + 1;
    }
  };
  for await (const chunk of stream) {
    if (chunk.includes(0)) return "binary";
    if (!take(decoder.decode(chunk, { stream: true }))) return { lines, more, cut, seen };
  }
  if (!take(decoder.decode())) return { lines, more, cut, seen };
  if (begun || line !== "") endLine();
  return { lines, more, cut, seen };
}

/** Reads the first bytes of a stream, then cancels it. */
export async function readBeginning(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes);
}
