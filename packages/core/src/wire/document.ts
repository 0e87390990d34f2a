import { StringDecoder } from "node:string_decoder";
import { EmberboxError } from "../errors.ts";
import type { Budget } from "./budget.ts";
import { Gathered } from "./gathered.ts";
import { checkJson, JsonReader, type JsonLimits } from "./json-reader.ts";
import { shareTurn } from "./share-turn.ts";

/** Bytes that are parsed at once. Longer documents are parsed as they come. */
const BLOCK_BYTES = 16_384;
/** Bytes of an answer that is read as a whole, such as a listing. */
const DOCUMENT_LIMIT = 64 * 1024 * 1024;

export interface DocumentLimits extends JsonLimits {
  readonly bytes?: number;
  /** Of which the document takes what it needs while it is read. */
  readonly budget?: Budget | undefined;
}

/** What a value takes beside its text, `bytes`. */
const VALUE_BYTES = 64;

/** About what takes a document to keep, `bytes`. */
export const costOf = (bytes: number, values: number): number => bytes + VALUE_BYTES * values;

/** A JSON document that comes in pieces, of any size, which nobody has to wait for. */
export class Document implements Disposable {
  readonly #limits: DocumentLimits;
  readonly #pending = new Gathered();
  readonly #decoder = new StringDecoder();
  /** Once the document is long. */
  #reader: JsonReader | undefined;
  /** How it begins, for messages. */
  #start = "";
  bytes = 0;
  #taken = 0;

  constructor(limits: DocumentLimits = {}) {
    this.#limits = limits;
  }

  /** What it returns, if anything, is to be awaited. @throws `protocol_error`, `SyntaxError` */
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

  /** The document, and how much there is of it. @throws `protocol_error`, `SyntaxError` */
  end(): { value: unknown; values: number } {
    const rest = this.#pending.take();
    if (this.#reader === undefined) {
      this.#start = rest.toString("utf8", 0, 300);
      return parseShort(rest, this.#limits);
    }
    this.#reader.write(this.#decoder.write(rest) + this.#decoder.end());
    return { value: this.#reader.end(), values: this.#reader.values };
  }

  /** How it begins, when it has been parsed. */
  get start(): string {
    return this.#start;
  }

  /** Gives back what it took. */
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
