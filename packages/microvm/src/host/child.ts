import { basename, join } from "node:path";
import { EmberboxError } from "@emberbox/core";

/** The path of an entry directly in a directory. @throws `invalid_argument` for a name that leads anywhere else */
export function childOf(directory: string, name: string): string {
  const isName =
    typeof name === "string" &&
    /^[^\0]{1,255}$/s.test(name) &&
    basename(name) === name &&
    name !== "." &&
    name !== "..";
  if (isName) return join(directory, name);
  throw new EmberboxError("invalid_argument", "what was to be a file's name is none");
}
