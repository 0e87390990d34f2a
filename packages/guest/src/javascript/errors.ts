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

/** Name, message and traceback of whatever was thrown. */
export function partsOf(error: unknown): ErrorParts {
  if (!isError(error)) {
    const value = safely(() => inspect(error), "<the thrown value cannot be shown>");
    return { name: "Uncaught", value, traceback: `Uncaught ${value}` };
  }
  const name = safely(() => String(error.name), "Error");
  const value = safely(() => String(error.message), "") + hintOf(error);
  const traceback = safely(() => inspect(error), `${name}: ${value}`);
  return { name, value, traceback: withoutOwnFrames(traceback) };
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

/** The place of a mistake that the type-stripping compiler reports: it is in the message, and in fields of its own. */
export function placeOf(error: unknown): {
  readonly error: Error;
  readonly line: number;
  readonly column: number;
} {
  const { message, loc } = error as Error & { loc?: { line: number; column: number } };
  const plain = new SyntaxError(message.replace(/ \(\d+:\d+\)$/, ""));
  return { error: plain, line: (loc?.line ?? 1) - 1, column: (loc?.column ?? 1) - 1 };
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
