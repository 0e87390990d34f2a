import { EmberboxError } from "@emberbox/core";
import { background, warning } from "@emberbox/core/background";
import { untilAborted } from "@emberbox/core/concurrency";
import type { LocalSandbox } from "../restore/sandbox.ts";
import { runCells, runCommand } from "../template/exercise.ts";

/** What spares are: those of one key can stand for each other. */
export interface Kind {
  readonly key: string;
  make(signal: AbortSignal): Promise<LocalSandbox>;
}

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

/** Ready sandboxes of one kind at a time, which are made in the background. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #closing = new AbortController();
  #ready: LocalSandbox[] = [];
  #kind: Kind | undefined;
  #filling: Promise<void> | undefined;
  #ending: Promise<unknown> = Promise.resolve();
  #soon: NodeJS.Timeout | undefined;
  #leave: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** A ready sandbox of this kind, or `undefined` when there is none at this moment. */
  take({ key }: Kind): LocalSandbox | undefined {
    if (this.#kind?.key !== key) return undefined;
    let spare = this.#ready.shift();
    while (spare?.gone()) spare = this.#ready.shift();
    return spare;
  }

  /** Sandboxes of this kind are wanted from now on. */
  expect(kind: Kind): void {
    if (this.#closing.signal.aborted) return;
    this.#clearTimers();
    if (this.#kind?.key !== kind.key) {
      this.#kind = kind;
      this.#discard();
    }
    const fill = (): void => {
      this.#filling ??= this.#fill().finally(() => (this.#filling = undefined));
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

  async #fill(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; failures < MAX_FAILURES && !signal.aborted;) {
      const kind = this.#kind!;
      if (this.#ready.length >= this.#options.size) return;
      try {
        this.#ready.push(await makeSpare(kind, signal));
        if (kind !== this.#kind) this.#discard();
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

/** A restored sandbox that has answered one call, so that what a call needs has been translated. */
async function makeSpare(kind: Kind, signal: AbortSignal): Promise<LocalSandbox> {
  const spare = await kind.make(signal);
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
