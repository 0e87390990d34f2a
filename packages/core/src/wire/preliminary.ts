import { EmberboxError } from "../errors.ts";

/** Preliminary answers that may come before the real one. */
const MAX_PRELIMINARY = 8;

/** Counts answers that are not the real one yet. What it throws ends the request. */
export function preliminaryLimit(): () => void {
  let count = 0;
  return () => {
    if (++count > MAX_PRELIMINARY)
      throw new EmberboxError("protocol_error", "The sandbox sent preliminary answers without end");
  };
}
