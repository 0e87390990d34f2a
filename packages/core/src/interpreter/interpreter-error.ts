import type { Dispatcher } from "undici";
import { EmberboxError } from "../errors.ts";
import { httpError } from "../wire/http-error.ts";

/** The error for a request that the interpreter refused. */
export async function interpreterError(response: Dispatcher.ResponseData): Promise<EmberboxError> {
  const error = await httpError(response, { 404: "context_not_found" });
  if (error.code !== "invalid_argument" || !/language|kernel/i.test(error.message)) return error;
  return new EmberboxError("unknown_language", error.message, { details: error.details });
}
