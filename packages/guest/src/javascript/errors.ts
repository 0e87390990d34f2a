import type { SourceMap } from "node:module";
import { inspect } from "node:util";

export interface ErrorParts {
  readonly name: string;
  readonly value: string;
  readonly traceback: string;
}

const FRAME = /^\s+(?:at |\.\.\. \d+ lines matching)/;
/** Frames that belong to the kernel itself. */
const OWN = /^\s+at .*(?:node:inspector|\/run\/emberbox\/)/;
/** The last frame, if the error's own fields follow. */
const INTERNAL_TAIL = /^\s+at .*\(node:.* \{$/;

/** Where the code of cells comes from that was not run as it was written. */
const maps = new Map<string, SourceMap>();
const MAX_MAPS = 1000;

export function rememberMap(cell: string, map: SourceMap): void {
  maps.set(cell, map);
  if (maps.size > MAX_MAPS) maps.delete(maps.keys().next().value!);
}

/** The place in a cell as it was written; lines and columns start at 0. */
export function writtenPlace(cell: string, line: number, column: number): [number, number] {
  const entry = maps.get(cell)?.findEntry(line, column);
  return entry !== undefined && "originalLine" in entry
    ? [entry.originalLine, entry.originalColumn]
    : [line, column];
}

function asWritten(traceback: string): string {
  if (maps.size === 0) return traceback;
  return traceback.replaceAll(/\b(cell-\d+\.js):(\d+):(\d+)/g, (_, cell: string, ...place) => {
    const [line, column] = writtenPlace(cell, Number(place[0]) - 1, Number(place[1]) - 1);
    return `${cell}:${line + 1}:${column + 1}`;
  });
}

/** Name, message and traceback of whatever was thrown. */
export function partsOf(error: unknown): ErrorParts {
  if (!isError(error)) {
    const value = safely(() => inspect(error), "<the thrown value cannot be shown>");
    return { name: "Uncaught", value, traceback: `Uncaught ${value}` };
  }
  const name = safely(() => String(error.name), "Error");
  const value = safely(() => String(error.message), "") + hintOf(error);
  const traceback = safely(() => inspect(error), `${name}: ${value}`);
  return { name, value, traceback: asWritten(withoutOwnFrames(traceback)) };
}

/** Cuts each stack where the kernel begins: what called it is of no interest. */
function withoutOwnFrames(traceback: string): string {
  let cutting = false;
  const lines = traceback.split("\n").filter((line) => {
    const isFrame = FRAME.test(line);
    cutting = isFrame && (cutting || OWN.test(line));
    return !cutting || line.endsWith(" {");
  });
  return lines
    .map((line) => (OWN.test(line) || INTERNAL_TAIL.test(line) ? "{" : line))
    .join("\n")
    .replaceAll("\n{\n", " {\n");
}

/** A syntax error's stack does not say where the error is. */
export function partsOfSyntaxError(
  error: Error,
  code: string,
  cell: string,
  line: number,
  column: number,
): ErrorParts {
  const parts = partsOf(error);
  const text = code.split("\n")[line];
  if (text === undefined || text.length > 1000) return parts;
  const place = `${cell}:${line + 1}\n${text}\n${" ".repeat(column)}^\n`;
  return { ...parts, traceback: `${place}${parts.traceback}` };
}

function hintOf(error: Error & { code?: unknown }): string {
  const missing = /^Cannot find (?:package|module) '((?:@[\w.-]+\/)?[a-zA-Z][\w.-]*)/.exec(
    error.message,
  )?.[1];
  return missing !== undefined && String(error.code).endsWith("MODULE_NOT_FOUND")
    ? `\nInstall it in the sandbox with: npm install ${missing}`
    : "";
}

function isError(error: unknown): error is Error {
  return error instanceof Error || Object.prototype.toString.call(error) === "[object Error]";
}

function safely(work: () => string, otherwise: string): string {
  try {
    return work();
  } catch {
    return otherwise;
  }
}
