import { EmberboxError } from "../errors.ts";

/** One segment of a URL's path, whatever it is made of. @throws `invalid_argument` for what is none */
export function segment(text: string): string {
  // A URL takes dots for steps from one path to another, however they are encoded.
  if (text.isWellFormed() && text !== "" && text !== "." && text !== "..")
    return encodeURIComponent(text);
  throw new EmberboxError("invalid_argument", "Expected an id or a name");
}
