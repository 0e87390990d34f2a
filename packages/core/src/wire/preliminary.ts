import { EmberboxError } from "../errors.ts";

/** The most preliminary answers (status 1xx) before the real one. */
const MAX_PRELIMINARY = 8;

/** Counts preliminary answers. Throwing ends the request. */
export function preliminaryLimit(): () => void {
  let count = 0;
  return () => {
    if (++count > MAX_PRELIMINARY)
      throw new EmberboxError("protocol_error", "The sandbox sent preliminary answers without end");
  };
}
