import { EmberboxError } from "../errors.ts";

/** Encodes any text as one segment of a URL's path. @throws `invalid_argument` when that is impossible */
export function segment(text: string): string {
  // In a URL, dot segments move between paths, however they are encoded.
  if (text.isWellFormed() && text !== "" && text !== "." && text !== "..")
    return encodeURIComponent(text);
  throw new EmberboxError("invalid_argument", "Expected an id or a name");
}
