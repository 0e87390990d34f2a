import { EventEmitter } from "node:events";
import { inspect } from "node:util";
import type { Bundle } from "../mime-bundle.ts";

const DISPLAY = Symbol.for("Jupyter.display");
/** Longest JSON that is sent along with a text, in characters. */
const JSON_LIMIT = 1024 * 1024;

/** How a value is shown, by MIME type, as in Deno's notebooks. */
export async function bundleOf(value: unknown): Promise<Bundle> {
  if (typeof value !== "object" && typeof value !== "function")
    return { "text/plain": textOf(value) };
  if (value === null) return { "text/plain": "null" };
  const thing = value as Record<PropertyKey, unknown>;
  if (typeof thing[DISPLAY] === "function") return (await thing[DISPLAY]()) as Bundle;
  const text = textOf(value);
  const picture = pictureOf(thing);
  if (picture !== undefined) return { "text/plain": text, ...picture };
  const json = jsonOf(value);
  return json === undefined
    ? { "text/plain": text }
    : { "text/plain": text, "application/json": json };
}

export function isBundle(value: unknown): value is Bundle {
  if (!isPlain(value) || Array.isArray(value)) return false;
  const names = Object.keys(value);
  return names.length > 0 && names.every((name) => /^[\w-]+\/[\w.+-]+$/.test(name));
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value.toWellFormed();
  if (isMachinery(value)) return inspect(withoutInternals(value), { depth: 0 });
  return inspect(value, { depth: 4, maxStringLength: 100_000 });
}

/** Timers, servers, processes, streams: pages of what Node notes in them would tell nobody anything. */
function isMachinery(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  return value instanceof EventEmitter || /^(?:Timeout|Immediate)$/.test(value.constructor?.name);
}

function withoutInternals(value: object): object {
  const own = Object.entries(Object.getOwnPropertyDescriptors(value));
  const shown = own.filter(([name]) => !name.startsWith("_"));
  return Object.create(Object.getPrototypeOf(value), Object.fromEntries(shown));
}

function pictureOf(thing: Record<PropertyKey, unknown>): Bundle | undefined {
  if (thing instanceof Uint8Array) {
    if (startsWith(thing, [0x89, 0x50, 0x4e, 0x47])) return { "image/png": thing };
    return startsWith(thing, [0xff, 0xd8, 0xff]) ? { "image/jpeg": thing } : undefined;
  }
  if (typeof thing["toDataURL"] === "function") {
    const match = /^data:([^;,]+);base64,(.*)$/s.exec(String(thing["toDataURL"]()));
    return match ? { [match[1]!]: match[2]! } : undefined;
  }
  const markup = thing["outerHTML"];
  if (typeof markup !== "string") return undefined;
  return markup.startsWith("<svg") ? { "image/svg+xml": markup } : { "text/html": markup };
}

function startsWith(bytes: Uint8Array, wanted: readonly number[]): boolean {
  return wanted.every((byte, index) => bytes[index] === byte);
}

/** The JSON of plain objects and arrays, if they have one. */
function jsonOf(value: object): unknown {
  if (!isPlain(value)) return undefined;
  try {
    return JSON.parse(JSON.stringify(value, upTo(JSON_LIMIT)));
  } catch {
    return undefined;
  }
}

/**
 * Gives up as soon as the JSON is sure to be too long: all of it may not fit into memory. A `bigint` that no number of
 * JSON's readers can hold becomes text.
 */
function upTo(limit: number): (key: string, value: unknown) => unknown {
  let size = 0;
  return (key, value) => {
    const written = typeof value === "bigint" ? plainNumber(value) : value;
    size += key.length + (typeof written === "string" ? written.length : 4);
    if (size > limit) throw new RangeError("too long");
    return written;
  };
}

function plainNumber(value: bigint): number | string {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}
