import { EmberboxError } from "@emberbox/core";
import { background, warning } from "@emberbox/core/background";
import { untilAborted } from "@emberbox/core/concurrency";
import { type ResolvedCreateOptions, resolveCreateOptions } from "../restore/create-options.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import { runCells, runCommand } from "../template/exercise.ts";
import type { Engine } from "./engine.ts";

type Shape = Pick<ResolvedCreateOptions, "template" | "memoryMB" | "cpuCount" | "diskMB">;

export interface PoolOptions {
  /** How many spares there are, if nobody takes them. */
  readonly size: number;
  /** How long after `expect` spares are made, in ms: making one costs a processor, which a caller may need. */
  readonly afterMs: number;
  /** How long after the last `expect` they are kept, in ms. @default for ever */
  readonly keepMs?: number | undefined;
}

/** Failures in a row after which filling the pool is given up until the next `expect`. */
const MAX_FAILURES = 3;

/** Ready sandboxes of one shape at a time, which are made in the background. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #closing = new AbortController();
  #ready: LocalSandbox[] = [];
  #shape: ResolvedCreateOptions | undefined;
  #filling: Promise<void> | undefined;
  #ending: Promise<unknown> = Promise.resolve();
  #soon: NodeJS.Timeout | undefined;
  #leave: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** A ready sandbox of this shape, or `undefined` when there is none at this moment. */
  take(shape: Shape): LocalSandbox | undefined {
    if (!isShape(this.#shape, shape)) return undefined;
    let spare = this.#ready.shift();
    while (spare?.gone()) spare = this.#ready.shift();
    return spare;
  }

  /** Sandboxes of this shape are wanted from now on. */
  expect(engine: Engine, { template, memoryMB, cpuCount, diskMB }: Shape): void {
    if (this.#closing.signal.aborted) return;
    this.#clearTimers();
    const shape = { template, memoryMB, cpuCount, diskMB };
    if (!isShape(this.#shape, shape)) {
      this.#shape = resolveCreateOptions(shape);
      this.#discard();
    }
    const fill = (): void => {
      this.#filling ??= this.#fill(engine).finally(() => (this.#filling = undefined));
    };
    const { afterMs, keepMs } = this.#options;
    this.#soon = setTimeout(fill, afterMs).unref();
    if (keepMs !== undefined)
      this.#leave = setTimeout(() => this.#discard(), afterMs + keepMs).unref();
  }

  async close(): Promise<void> {
    this.#closing.abort(new EmberboxError("sandbox_closed", "the pool was closed"));
    this.#clearTimers();
    await this.#filling;
    this.#discard();
    await this.#ending;
  }

  async #fill(engine: Engine): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; failures < MAX_FAILURES && !signal.aborted;) {
      const shape = this.#shape!;
      if (this.#ready.length >= this.#options.size) return;
      try {
        this.#ready.push(await makeSpare(engine, shape, signal));
        if (shape !== this.#shape) this.#discard();
      } catch {
        // `create` restores a sandbox itself when there is no spare, and reports what is wrong.
        failures++;
      }
    }
  }

  #discard(): void {
    const reason = new EmberboxError("sandbox_closed", "nobody wanted this spare");
    const closed = this.#ready.splice(0).map((spare) => spare.close(reason));
    this.#ending = Promise.all([this.#ending, ...closed]);
    background(this.#ending, warning("Ending a spare sandbox"));
  }

  #clearTimers(): void {
    clearTimeout(this.#soon);
    clearTimeout(this.#leave);
  }
}

const isShape = (one: Shape | undefined, other: Shape): boolean =>
  (["template", "memoryMB", "cpuCount", "diskMB"] as const).every(
    (key) => one?.[key] === other[key],
  );

/** A restored sandbox that has answered one call, so that what a call needs has been translated. */
async function makeSpare(
  engine: Engine,
  shape: ResolvedCreateOptions,
  signal: AbortSignal,
): Promise<LocalSandbox> {
  const spare = await engine.restore(shape, signal);
  const rehearse = async (): Promise<void> => {
    await runCells(spare.endpoint, ["1+1"]);
    await runCommand(spare.endpoint, "true");
  };
  try {
    await untilAborted(rehearse(), signal);
    return spare;
  } catch (error) {
    await spare.close(new EmberboxError("sandbox_closed", "the spare did not answer"));
    throw error;
  }
}
