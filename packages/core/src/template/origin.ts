import { fileURLToPath } from "node:url";
import { EmberboxError } from "../errors.ts";

/** Where a method was called, as `file:line`; unknown when it is not on the stack, or the stack is not kept. */
export function callerOf(method: (...args: never[]) => unknown): string | undefined {
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder, method);
  // Programs can replace what a stack looks like.
  if (typeof holder.stack !== "string") return undefined;
  const frame = holder.stack.split("\n")[1] ?? "";
  const found =
    / \((.+):(\d+):\d+\)$/.exec(frame) ?? /^ *at (?:async )?(.+):(\d+):\d+$/.exec(frame);
  if (found === null) return undefined;
  const [, file, line] = found;
  return `${file!.startsWith("file:") ? fileURLToPath(file!) : file}:${line}`;
}

/** The error with `origin` in front of its message. Other errors than ours stay as they are. */
export function atOrigin(origin: string | undefined, error: unknown): unknown {
  if (origin === undefined || !EmberboxError.isInstance(error)) return error;
  const { code, message, hint, details, cause } = error;
  return new EmberboxError(code, `${origin}: ${message}`, { hint, details, cause });
}
