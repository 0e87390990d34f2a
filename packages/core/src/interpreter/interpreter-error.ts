import type { Dispatcher } from "undici";
import { EmberboxError } from "../errors.ts";
import { httpError } from "../wire/http-error.ts";

/** About a language that is not there; a user, too, may be called `kernel`. */
const UNKNOWN_LANGUAGE = /^(?!invalid username).*(language|kernel)/is;

/** The error for a request that the interpreter refused; `user` is the one for whom code was to be run, if any. */
export async function interpreterError(
  response: Dispatcher.ResponseData,
  user?: string,
): Promise<EmberboxError> {
  const error = await httpError(response, { 404: "context_not_found" });
  // Where users are known, nothing that names one can be missing.
  if (user !== undefined && response.statusCode === 404)
    return new EmberboxError(
      "unsupported",
      "The sandbox's service cannot run code as a given user",
      {
        hint: "Leave out `user`: the service decides who runs the code.",
        details: error.details,
      },
    );
  if (error.code !== "invalid_argument" || !UNKNOWN_LANGUAGE.test(error.message)) return error;
  return new EmberboxError("unknown_language", error.message, { details: error.details });
}
