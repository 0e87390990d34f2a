import { EmberboxError } from "../errors.ts";
import type { Budget } from "./budget.ts";
import { costOf, Document, parseShort } from "./document.ts";
import { shareTurn } from "./share-turn.ts";

/** The most bytes of one line; it has to fit a picture in base64. */
const LINE_LIMIT = 64 * 1024 * 1024;
/** The longest line that is parsed at once, in bytes. */
const SHORT_LINE = 16_384;
const BATCH_LINES = 64;
const NEWLINE = 0x0a;

export type JsonObject = Readonly<Record<string, unknown>>;

export interface Line {
  readonly message: JsonObject;
  /** About how many bytes it takes to keep. */
  readonly cost: number;
}

/** Parses newline-delimited JSON objects as they arrive. @throws `protocol_error` */
export async function* readNdjson(
  body: AsyncIterable<Buffer>,
  budget?: Budget,
): AsyncGenerator<Line[]> {
  const limits = { bytes: LINE_LIMIT, budget };
  let pending = new Document(limits);
  let batch: Line[] = [];
  try {
    for await (const chunk of body) {
      let at = 0;
      for (;;) {
        const end = chunk.indexOf(NEWLINE, at);
        const piece = chunk.subarray(at, end === -1 ? chunk.length : end);
        const isWhole = end !== -1 && pending.bytes === 0 && piece.length <= SHORT_LINE;
        const line = isWhole ? shortLine(piece) : await longLine(pending, piece, end !== -1);
        if (line !== undefined) batch.push(line);
        if (end === -1) break;
        if (pending.bytes > 0) {
          pending[Symbol.dispose]();
          pending = new Document(limits);
        }
        at = end + 1;
        if (batch.length < BATCH_LINES) continue;
        yield batch;
        batch = [];
        await shareTurn();
      }
      if (batch.length > 0) yield batch;
      batch = [];
    }
    const last = await longLine(pending, Buffer.alloc(0), true);
    if (last !== undefined) yield [last];
  } finally {
    pending[Symbol.dispose]();
  }
}

function shortLine(bytes: Buffer): Line | undefined {
  if (bytes.length === 0) return undefined;
  try {
    const { value, values } = parseShort(bytes);
    return lineOf(value, bytes.length, values);
  } catch (cause) {
    return refuse(bytes.toString("utf8", 0, 300), bytes.length, cause);
  }
}

async function longLine(
  document: Document,
  piece: Buffer,
  isWhole: boolean,
): Promise<Line | undefined> {
  try {
    await document.push(piece);
    if (!isWhole || document.bytes === 0) return undefined;
    const { value, values } = document.end();
    return lineOf(value, document.bytes, values);
  } catch (cause) {
    return refuse(document.start, document.bytes, cause);
  }
}

function lineOf(value: unknown, bytes: number, values: number): Line {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return { message: value as JsonObject, cost: costOf(bytes, values) };
  const text = excerpt(typeof value === "string" ? value : JSON.stringify(value));
  throw new EmberboxError(
    "protocol_error",
    `The sandbox sent a line that is not an object: ${text}`,
  );
}

/** Ignores a line of white space, and refuses any other that does not parse. */
function refuse(start: string, bytes: number, cause: unknown): undefined {
  if (!(cause instanceof SyntaxError)) throw cause;
  if (start.trim() === "" && bytes <= SHORT_LINE && bytes > 0) return undefined;
  throw new EmberboxError(
    "protocol_error",
    `The sandbox sent a line that is not JSON: ${excerpt(start)}`,
    { cause },
  );
}

function excerpt(line: string): string {
  return JSON.stringify(line.length > 200 ? `${line.slice(0, 200)}…` : line);
}
