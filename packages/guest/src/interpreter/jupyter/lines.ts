import { fieldsOf } from "../../mime-bundle.ts";
import { numberLine } from "../lines.ts";
import type { Message } from "./message.ts";

/** Longest line of one result, in bytes. */
const RESULT_LIMIT = 32 * 1024 * 1024;
/** Longest text of an error's parts; both ends of a longer one are kept. */
const ERROR_LIMIT = 256 * 1024;

type Content = Message["content"];

/** Reports the execution count, as the kernel counts. */
export function countLine(content: Content): Buffer | undefined {
  const count = content["execution_count"];
  return typeof count === "number" ? numberLine(count) : undefined;
}

export function resultLine(content: Content, main: boolean): Buffer | undefined {
  const data = content["data"];
  if (typeof data !== "object" || data === null) return undefined;
  const bundle = Object.entries(data).map(([mime, value]) => [mime, whole(mime, value)] as const);
  if (bundle.length === 0) return undefined;
  const fields = fieldsOf(Object.fromEntries(bundle));
  const result = line({ type: "result", ...fields, is_main_result: main });
  if (result.length <= RESULT_LIMIT) return result;
  const size = `${(result.length / 1e6).toFixed(1)} MB (${bundle.map(([mime]) => mime).join(", ")})`;
  return noteLine(`A result of ${size} is over the limit of ${RESULT_LIMIT / 1048576} MiB`);
}

/** Takes the place of what is too large. */
export function noteLine(what: string): Buffer {
  const text = `${what} and was left out. Save it to a file instead.`;
  return line({ type: "result", text, is_main_result: false });
}

export function errorLine(content: Content): Buffer {
  const { ename, evalue, traceback } = content;
  const [name, value] = [clipped(textOf(ename)), clipped(textOf(evalue).trimEnd())];
  const lines = Array.isArray(traceback) ? traceback.map(textOf).join("\n") : "";
  return line({ type: "error", name, value, traceback: clipped(lines) || `${name}: ${value}` });
}

function line(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

const BINARY: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "application/pdf"]);

/** A text may be a list of its lines, and base64 may contain line breaks. */
function whole(mime: string, value: unknown): unknown {
  const isLines = Array.isArray(value) && value.every((part) => typeof part === "string");
  const text: unknown = isLines ? value.join("") : value;
  return BINARY.has(mime) && typeof text === "string" ? text.replaceAll("\n", "") : text;
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}

function clipped(text: string): string {
  if (text.length <= ERROR_LIMIT) return text;
  const half = ERROR_LIMIT / 2;
  return `${text.slice(0, half)}\n... ${text.length - ERROR_LIMIT} characters left out ...\n${text.slice(-half)}`;
}
