import { type IncomingMessage, STATUS_CODES } from "node:http";
import { pipeline, type Readable } from "node:stream";
import * as zlib from "node:zlib";
import { endToEnd, without } from "./headers.ts";
import { Redactor, redact } from "./redact.ts";
import type { Traces } from "./traces.ts";

/** An answer as the sandbox gets it. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: string[];
  readonly body: Readable | Buffer;
}

/** An answer that the sandbox does not get, and why. */
export class Withheld extends Error {}

/** What one sandbox's answers may take while they are decompressed. */
export interface Room {
  left: number;
}

export const ROOM_BYTES: number = 8 * 1024 * 1024;

/** An answer as it came, without the headers that concern one connection only. */
export function pass(answer: IncomingMessage): Answer {
  return {
    status: answer.statusCode!,
    reason: answer.statusMessage!,
    headers: headersOf(answer),
    body: answer,
  };
}

/**
 * An answer of a host that was sent a secret. All of it takes one form that does not depend on the secret: the status
 * with its standard phrase, headers, and a body as it is. No partial bodies, no trailers, nothing compressed.
 * @throws `Withheld`
 */
export async function clean(
  answer: IncomingMessage,
  traces: Traces,
  room: Room,
  isHead: boolean,
): Promise<Answer> {
  const status = answer.statusCode!;
  if (status === 206 || status === 226) throw new Withheld("it answered with a part");
  const headers = without(headersOf(answer), (name) => name === "accept-ranges").map((text) =>
    redact(Buffer.from(text, "latin1"), traces).toString("latin1"),
  );
  const head = { status, reason: STATUS_CODES[status] ?? "" };
  const packed = answer.headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  const isEmpty = isHead || status === 204 || status === 304;
  if (isEmpty || packed === "identity" || packed === "")
    return { ...head, headers, body: pipeline(answer, new Redactor(traces), () => {}) };
  return {
    ...head,
    headers: without(headers, isPacked),
    body: redact(await unpack(answer, packed, room), traces),
  };
}

const headersOf = (answer: IncomingMessage): string[] =>
  without(endToEnd(answer.rawHeaders), (name) => name === "transfer-encoding");

const isPacked = (name: string): boolean =>
  name === "content-encoding" || name === "content-length";

const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: zlib.createUnzip,
  "x-gzip": zlib.createUnzip,
  deflate: zlib.createUnzip,
  br: zlib.createBrotliDecompress,
  zstd: zlib.createZstdDecompress,
};

/**
 * Decompresses all of it at once: how much each packet yields would tell how well a guess matches the secret beside it.
 * Servers are asked not to compress, so this is rare.
 */
async function unpack(answer: IncomingMessage, encoding: string, room: Room): Promise<Buffer> {
  const decode = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (decode === undefined) throw new Withheld("its answer is packed in a way that is not known");
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of pipeline(answer, decode(), () => {})) {
      length += (part as Buffer).length;
      room.left -= (part as Buffer).length;
      if (room.left < 0) throw new Withheld("its answer is packed, and too long to be unpacked");
      parts.push(part as Buffer);
    }
  } finally {
    room.left += length;
    answer.destroy();
  }
  return Buffer.concat(parts);
}
