import { EmberboxError } from "@emberbox/core";
import type { ResolvedCreateOptions } from "../restore/create-options.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import { runCells, runCommand } from "../template/exercise.ts";
import type { Engine } from "./engine.ts";

/** Ready sandboxes of one shape, refilled in the background. */
export interface Pool {
  /** A ready sandbox, or `undefined` when there is none at this moment. */
  take(): LocalSandbox | undefined;
  close(): Promise<void>;
}

/** Failures in a row after which filling the pool is given up until the next `take`. */
const MAX_FAILURES = 3;

export function createPool(engine: Engine, shape: ResolvedCreateOptions, size: number): Pool {
  const ready: LocalSandbox[] = [];
  const closing = new AbortController();
  let filling: Promise<void> | undefined;

  const fill = async (): Promise<void> => {
    for (
      let failures = 0;
      ready.length < size && failures < MAX_FAILURES && !closing.signal.aborted;
    ) {
      try {
        ready.push(await makeSpare(engine, shape, closing.signal));
      } catch {
        // `create` restores a sandbox itself when there is no spare, and reports what is wrong.
        failures++;
      }
    }
  };
  const refill = (): void => {
    filling ??= fill().finally(() => {
      filling = undefined;
    });
  };
  refill();
  return {
    take() {
      let spare = ready.shift();
      while (spare?.gone()) spare = ready.shift();
      // Not while the caller waits for its first answer: filling costs a processor.
      setTimeout(() => closing.signal.aborted || refill(), 50).unref();
      return spare;
    },
    async close() {
      closing.abort(new EmberboxError("sandbox_closed", "the pool was closed"));
      await filling;
      await Promise.all(
        ready.splice(0).map((spare) => spare.close(closing.signal.reason as EmberboxError)),
      );
    },
  };
}

/** A restored sandbox that has answered one call, so that what a call needs has been translated. */
async function makeSpare(
  engine: Engine,
  shape: ResolvedCreateOptions,
  signal: AbortSignal,
): Promise<LocalSandbox> {
  const spare = await engine.restore(shape, signal);
  try {
    await runCells(spare.endpoint, ["1+1"]);
    await runCommand(spare.endpoint, "true");
    return spare;
  } catch (error) {
    await spare.close(new EmberboxError("sandbox_closed", "the spare did not answer"));
    throw error;
  }
}
