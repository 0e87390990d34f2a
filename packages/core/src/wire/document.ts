import { StringDecoder } from "node:string_decoder";
import { EmberboxError } from "../errors.ts";
import type { Budget } from "./budget.ts";
import { Gathered } from "./gathered.ts";
import { checkJson, JsonReader, type JsonLimits } from "./json-reader.ts";
import { shareTurn } from "./share-turn.ts";

/** Bytes that are parsed at once. Longer documents are parsed as they arrive. */
const BLOCK_BYTES = 16_384;
/** The most bytes of an answer that is read whole, such as a listing. */
const DOCUMENT_LIMIT = 64 * 1024 * 1024;

export interface DocumentLimits extends JsonLimits {
  readonly bytes?: number;
  /** From which the document takes what it needs while it is read. */
  readonly budget?: Budget | undefined;
}

/** Bytes that a value takes besides its text. */
const VALUE_BYTES = 64;

/** About how many bytes it takes to keep a document. */
export const costOf = (bytes: number, values: number): number => bytes + VALUE_BYTES * values;

/** A JSON document of any size that arrives in pieces, parsed without blocking other work. */
export class Document implements Disposable {
  readonly #limits: DocumentLimits;
  readonly #pending = new Gathered();
  readonly #decoder = new StringDecoder();
  /** Set once the document is long. */
  #reader: JsonReader | undefined;
  /** Its beginning, for messages. */
  #start = "";
  bytes = 0;
  #taken = 0;

  constructor(limits: DocumentLimits = {}) {
    this.#limits = limits;
  }

  /** Takes a piece. Await what it returns, if anything. @throws `protocol_error`, `SyntaxError` */
  push(piece: Buffer): Promise<void> | undefined {
    this.bytes += piece.length;
    const { bytes: limit = DOCUMENT_LIMIT } = this.#limits;
    if (this.bytes > limit)
      throw new EmberboxError(
        "protocol_error",
        `The sandbox sent JSON of more than ${limit} bytes`,
      );
    this.#pending.push(piece);
    this.#take();
    return this.#pending.length > BLOCK_BYTES ? this.#parsePending() : undefined;
  }

  /** Returns the document and how many values it has. @throws `protocol_error`, `SyntaxError` */
  end(): { value: unknown; values: number } {
    const rest = this.#pending.take();
    if (this.#reader === undefined) {
      this.#start = rest.toString("utf8", 0, 300);
      return parseShort(rest, this.#limits);
    }
    this.#reader.write(this.#decoder.write(rest) + this.#decoder.end());
    return { value: this.#reader.end(), values: this.#reader.values };
  }

  /** Its beginning, once it has been parsed. */
  get start(): string {
    return this.#start;
  }

  /** Returns its memory to the budget. */
  [Symbol.dispose](): void {
    this.#limits.budget?.give(this.#taken);
    this.#taken = 0;
  }

  #take(): void {
    const { budget } = this.#limits;
    if (budget === undefined) return;
    const more = costOf(this.bytes, this.#reader?.values ?? 0) - this.#taken;
    budget.take(more);
    this.#taken += more;
  }

  async #parsePending(): Promise<void> {
    const pending = this.#pending.take();
    this.#reader ??= new JsonReader(this.#limits);
    this.#start ||= pending.toString("utf8", 0, 300);
    for (let at = 0; at < pending.length; at += BLOCK_BYTES) {
      this.#reader.write(this.#decoder.write(pending.subarray(at, at + BLOCK_BYTES)));
      this.#take();
      await shareTurn();
    }
  }
}

export function parseShort(
  bytes: Buffer,
  limits: JsonLimits = {},
): { value: unknown; values: number } {
  const values = checkJson(bytes, limits);
  return { value: JSON.parse(bytes.toString()), values };
}

/** Reads an answer that is one JSON document; `undefined` when it is empty. @throws `protocol_error` */
export async function readDocument(
  body: AsyncIterable<Buffer>,
  limits: DocumentLimits = {},
): Promise<unknown> {
  using document = new Document(limits);
  try {
    for await (const chunk of body) await document.push(chunk);
    return document.bytes === 0 ? undefined : document.end().value;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new EmberboxError("protocol_error", "The sandbox's answer is not JSON", { cause });
  }
}
