import { EmberboxError } from "../errors.ts";

/** Linux's limit, which counts a terminating NUL. */
const MAX_PATH_BYTES = 4095;

/** A path in the sandbox: absolute, or relative to the user's home directory. @throws `invalid_path` */
export function checkPath(path: unknown): string {
  if (typeof path !== "string") throw invalid(`Expected a path to be a string, got ${typeof path}`);
  if (path === "") throw invalid("A path may not be empty");
  if (path.includes("\0")) throw invalid(`The path ${quote(path)} contains a NUL character`);
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES) {
    throw invalid(
      `The path ${quote(path)} is ${bytes} bytes long; at most ${MAX_PATH_BYTES} are possible`,
    );
  }
  if (path.split("/").includes("..")) throw invalid(`The path ${quote(path)} contains \`..\``);
  return path;
}

function invalid(message: string): EmberboxError {
  return new EmberboxError("invalid_path", message);
}

function quote(path: string): string {
  return JSON.stringify(path.length > 100 ? `${path.slice(0, 100)}…` : path);
}
