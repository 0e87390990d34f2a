import { EmberboxError } from "../errors.ts";

/** Bytes of one line; a picture in base64 has to fit. */
const LINE_LIMIT = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses newline-delimited JSON objects as they arrive. @throws `protocol_error` */
export async function* readNdjson(
  body: AsyncIterable<Buffer>,
  lineLimit: number = LINE_LIMIT,
): AsyncGenerator<JsonObject[]> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of body) {
    const end = chunk.lastIndexOf(NEWLINE);
    pendingBytes += end === -1 ? chunk.length : end;
    if (pendingBytes > lineLimit + chunk.length) throw lineTooLong(lineLimit);
    if (end === -1) {
      pending.push(chunk);
      continue;
    }
    pending.push(chunk.subarray(0, end));
    const lines = join(pending, pendingBytes).split("\n");
    const rest = chunk.subarray(end + 1);
    pending = rest.length > 0 ? [rest] : [];
    pendingBytes = rest.length;
    yield lines.filter((line) => line.trim() !== "").map(parseLine);
  }
  if (pendingBytes > 0) yield [parseLine(join(pending, pendingBytes))];
}

function join(chunks: Buffer[], bytes: number): string {
  return chunks.length === 1 ? chunks[0]!.toString() : Buffer.concat(chunks, bytes).toString();
}

function parseLine(line: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new EmberboxError(
      "protocol_error",
      `The sandbox sent a line that is not JSON: ${excerpt(line)}`,
      {
        cause,
      },
    );
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as JsonObject;
  throw new EmberboxError(
    "protocol_error",
    `The sandbox sent a line that is not an object: ${excerpt(line)}`,
  );
}

function excerpt(line: string): string {
  return JSON.stringify(line.length > 200 ? `${line.slice(0, 200)}…` : line);
}

function lineTooLong(limit: number): EmberboxError {
  return new EmberboxError("protocol_error", `The sandbox sent a line of more than ${limit} bytes`);
}
