import { EmberboxError } from "../errors.ts";

export const invalid = (message: string): EmberboxError =>
  new EmberboxError("invalid_argument", message, {
    hint: "Correct the line that the message names.",
  });

export const unsupported = (what: string, hint: string): EmberboxError =>
  new EmberboxError("unsupported", `${what} is not supported`, { hint });
