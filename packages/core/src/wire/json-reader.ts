import { EmberboxError } from "../errors.ts";

/** How deeply arrays and objects may be nested. */
const MAX_DEPTH = 256;
/** The most values in one document: array elements and object members. */
const MAX_VALUES = 1_000_000;
/** The most characters of one number. */
const MAX_NUMBER = 1100;

export interface JsonLimits {
  readonly depth?: number;
  readonly values?: number;
}

type Expected = "value" | "valueOrEnd" | "key" | "keyOrEnd" | "colon" | "comma" | "nothing";
type Container = unknown[] | Record<string, unknown>;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const NUMBER_PART = /[-+.\deE]*/y;
const WORDS = { t: ["true", true], f: ["false", false], n: ["null", null] } as const;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001F]/;

/**
 * Parses a JSON document that arrives in blocks, with the same result as `JSON.parse` but stopping at a limit. Other
 * work gets its turn between blocks, however large the document is.
 */
export class JsonReader {
  readonly #maxDepth: number;
  readonly #maxValues: number;
  /** Open arrays and objects, outermost first, and the keys that still need their values. */
  readonly #open: Container[] = [];
  readonly #keys: string[] = [];
  #expected: Expected = "value";
  /** The beginning of a string whose end has not arrived. */
  #string: string | undefined;
  /** Text that cannot be parsed before more arrives. */
  #rest = "";
  #result: unknown;
  #values = 0;

  constructor({ depth = MAX_DEPTH, values = MAX_VALUES }: JsonLimits = {}) {
    this.#maxDepth = depth;
    this.#maxValues = values;
  }

  /** The number of values so far. */
  get values(): number {
    return this.#values;
  }

  /** Takes the next block. @throws `SyntaxError`, and `protocol_error` past a limit */
  write(block: string): void {
    this.#read(this.#rest + block, false);
  }

  /** Returns the document, once all of it has been written. */
  end(): unknown {
    this.#read(this.#rest, true);
    if (this.#expected !== "nothing" || this.#string !== undefined) throw unexpectedEnd();
    return this.#result;
  }

  #read(text: string, isLast: boolean): void {
    this.#rest = "";
    let at = 0;
    while (at < text.length) {
      const next =
        this.#string === undefined ? this.#token(text, at, isLast) : this.#more(text, at);
      if (next < 0) {
        if (isLast) throw unexpectedEnd();
        // A separate copy, so that it does not keep the whole block.
        this.#rest = text.slice(-next - 1);
        return;
      }
      at = next;
    }
  }

  /** Reads a token and returns where it ends, or `-at - 1` when it may continue in the next block. */
  #token(text: string, at: number, isLast: boolean): number {
    const expected = this.#expected;
    switch (text[at]) {
      case " ":
      case "\n":
      case "\r":
      case "\t":
        return at + 1;
      case ",":
        if (expected !== "comma") throw unexpected(text, at);
        this.#expected = Array.isArray(this.#open.at(-1)) ? "value" : "key";
        return at + 1;
      case ":":
        if (expected !== "colon") throw unexpected(text, at);
        this.#expected = "value";
        return at + 1;
      case '"':
        if (expected === "colon" || expected === "comma" || expected === "nothing")
          throw unexpected(text, at);
        this.#string = "";
        return at + 1;
      case "]":
      case "}":
        return this.#close(text, at);
    }
    if (expected !== "value" && expected !== "valueOrEnd") throw unexpected(text, at);
    if (text[at] === "[" || text[at] === "{") return this.#enter(text[at] === "[" ? [] : {}, at);
    return this.#scalar(text, at, isLast);
  }

  #enter(container: Container, at: number): number {
    this.#add(container);
    if (this.#open.push(container) > this.#maxDepth)
      throw beyond(`is nested more than ${this.#maxDepth} levels deep`);
    this.#expected = Array.isArray(container) ? "valueOrEnd" : "keyOrEnd";
    return at + 1;
  }

  #close(text: string, at: number): number {
    const container = this.#open.at(-1);
    const isArray = Array.isArray(container);
    const mayEnd = ["comma", isArray ? "valueOrEnd" : "keyOrEnd"].includes(this.#expected);
    if (container === undefined || isArray !== (text[at] === "]") || !mayEnd)
      throw unexpected(text, at);
    this.#open.pop();
    this.#after();
    return at + 1;
  }

  #scalar(text: string, at: number, isLast: boolean): number {
    const word = WORDS[text[at] as keyof typeof WORDS];
    if (word !== undefined) {
      const [name, value] = word;
      if (text.startsWith(name, at)) {
        this.#add(value);
        this.#after();
        return at + name.length;
      }
      if (name.startsWith(text.slice(at))) return -at - 1;
      throw unexpected(text, at);
    }
    NUMBER_PART.lastIndex = at;
    const [part] = NUMBER_PART.exec(text)!;
    if (part.length > MAX_NUMBER) throw beyond("has a number that is too long");
    if (at + part.length === text.length && !isLast) return -at - 1;
    NUMBER.lastIndex = at;
    const [number] = NUMBER.exec(text) ?? [];
    if (number === undefined || number.length !== part.length) throw unexpected(text, at);
    this.#add(Number(number));
    this.#after();
    return at + number.length;
  }

  /** Continues a string and returns where it ends, or `-at - 1` when an escape may continue in the next block. */
  #more(text: string, at: number): number {
    const quote = text.indexOf('"', at);
    const plainEnd = quote < 0 ? text.length : quote;
    const plain = text.slice(at, plainEnd);
    if (!plain.includes("\\")) {
      if (CONTROL.test(plain)) throw unexpected(text, at);
      this.#string += plain;
      return quote < 0 ? text.length : this.#endString(quote);
    }
    let end = at + plain.indexOf("\\");
    for (; end < text.length && text[end] !== '"';) {
      if (text[end] !== "\\") end++;
      else {
        const length = text[end + 1] === "u" ? 6 : 2;
        if (end + length > text.length) break;
        end += length;
      }
    }
    const escaped = text.slice(at, end);
    this.#string += JSON.parse(`"${escaped}"`) as string;
    if (text[end] === '"') return this.#endString(end);
    return end < text.length ? -end - 1 : end;
  }

  #endString(at: number): number {
    const text = this.#string!;
    this.#string = undefined;
    if (this.#expected === "key" || this.#expected === "keyOrEnd") {
      this.#keys.push(text);
      this.#expected = "colon";
    } else {
      this.#add(text);
      this.#after();
    }
    return at + 1;
  }

  #add(value: unknown): void {
    if (++this.#values > this.#maxValues) throw beyond(`has more than ${this.#maxValues} values`);
    const container = this.#open.at(-1);
    if (container === undefined) this.#result = value;
    else if (Array.isArray(container)) container.push(value);
    else {
      const key = this.#keys.pop()!;
      if (key !== "__proto__") container[key] = value;
      else
        Object.defineProperty(container, key, {
          value,
          enumerable: true,
          configurable: true,
          writable: true,
        });
    }
  }

  /** Called at the end of a value. */
  #after(): void {
    this.#expected = this.#open.length === 0 ? "nothing" : "comma";
  }
}

/**
 * Refuses a document that is nested too deeply or has too many values, without parsing it and in time that depends on
 * its size alone. Returns an estimate of the number of values that is never too low.
 */
export function checkJson(bytes: Uint8Array, limits: JsonLimits = {}): number {
  const { depth: maxDepth = MAX_DEPTH, values: maxValues = MAX_VALUES } = limits;
  // Each level takes at least one byte, and each value two.
  if (bytes.length <= maxDepth && bytes.length <= 2 * maxValues) return Math.ceil(bytes.length / 2);
  let depth = 0;
  let values = 1;
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case 0x22:
        at = stringEnd(bytes, at + 1);
        break;
      case 0x5b:
      case 0x7b:
        depth++;
        values++;
        if (depth > maxDepth) throw beyond(`is nested more than ${maxDepth} levels deep`);
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
      case 0x2c:
        values++;
    }
    if (values > maxValues) throw beyond(`has more than ${maxValues} values`);
  }
  return values;
}

/** How many bytes of a string are checked one by one before its end is searched for. */
const SHORT = 32;

/** The index of the quote that ends a string, or the end of the bytes. */
function stringEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length) {
    for (let end = Math.min(bytes.length, at + SHORT); at < end; at++) {
      if (bytes[at] === 0x5c) at++;
      else if (bytes[at] === 0x22) return at;
    }
    const quote = bytes.indexOf(0x22, at);
    if (quote < 0) return bytes.length;
    let slash = quote;
    while (slash > at && bytes[slash - 1] === 0x5c) slash--;
    if ((quote - slash) % 2 === 0) return quote;
    at = quote + 1;
  }
  return bytes.length;
}

function unexpected(text: string, at: number): SyntaxError {
  return new SyntaxError(`Unexpected ${JSON.stringify(text[at])} in JSON`);
}

function unexpectedEnd(): SyntaxError {
  return new SyntaxError("Unexpected end of JSON input");
}

function beyond(what: string): EmberboxError {
  return new EmberboxError("protocol_error", `The sandbox sent JSON that ${what}`);
}
