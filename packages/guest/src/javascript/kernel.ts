import { isPromise } from "node:util/types";
import { fieldsOf } from "../mime-bundle.ts";
import type { Channel } from "./channel.ts";
import { prepare } from "./cell.ts";
import { type Cell, runAs } from "./abandoned.ts";
import { partsOf, partsOfSyntaxError, placeOf } from "./errors.ts";
import { Evaluator, type Outcome } from "./evaluate.ts";
import { reseed } from "./random.ts";
import { bundleOf } from "./results.ts";
import { trustExtra } from "./trust.ts";

export interface JavaScriptKernelOptions {
  readonly channel: Channel;
  /** Shared with the thread that interrupts: the running execution, or 0; and the last one that began. */
  readonly running: Int32Array;
}

/** None of them declares anything: V8 cannot undo a declaration. */
const WARM_CELLS = [
  "1 + 1",
  "console.log('text'); console.error('text', { a: [1] })",
  "await Promise.resolve([{ a: 1 as number }])",
  "import 'node:path'; null.x",
];

/** Runs one cell after another. */
export class Kernel {
  readonly #channel: Channel;
  readonly #running: Int32Array;
  isTypeScript = false;
  readonly #evaluator = new Evaluator();
  #count = 0;
  #execution = 0;
  #current = 0;
  #cell: Cell = { abandoned: false };
  #changed: Record<string, string | undefined> | undefined;
  #envs: Record<string, string> | undefined;

  constructor({ channel, running }: JavaScriptKernelOptions) {
    this.#channel = channel;
    this.#running = running;
  }

  /** Does what first calls do, once and in advance, so that a process that waits in a snapshot has done it already. */
  async warm(): Promise<void> {
    for (const code of WARM_CELLS) {
      const prepared = prepare(code, true);
      const outcome = await new Promise<Outcome>((done) =>
        runAs({ abandoned: false }, () => this.#evaluator.evaluate(prepared, done)),
      );
      if (outcome.kind === "error") partsOf(outcome.error);
      if (outcome.kind === "value") fieldsOf(await bundleOf(outcome.value));
    }
    this.#channel.forget();
  }

  execute(code: string, envs: Record<string, string>): void {
    this.#count++;
    const execution = (this.#current = ++this.#execution);
    this.#channel.begin(this.#count);
    this.#changed = apply(envs);
    Atomics.store(this.#running, 0, execution);
    Atomics.store(this.#running, 1, execution);
    const cell = `cell-${this.#count}.js`;
    this.#cell = { abandoned: false };
    let prepared: string;
    try {
      prepared = prepare(code, this.isTypeScript);
    } catch (error) {
      const { line, column, error: plain } = placeOf(error);
      return this.#fail(execution, plain, code, cell, line, column);
    }
    runAs(this.#cell, () =>
      this.#evaluator.evaluate(`${prepared}\n//# sourceURL=${cell}`, (outcome) => {
        // An interrupted cell may still finish, which no longer matters.
        if (this.#current === execution) this.#settle(execution, outcome, code, cell);
      }),
    );
  }

  interrupt(execution: number): void {
    if (execution !== 0 && this.#current === execution) this.#interrupted();
  }

  /** The running cell cannot continue: it waits for something that never comes. */
  giveUp(error: unknown): void {
    if (this.#current === 0) return;
    this.#cell.abandoned = true;
    this.#fail(this.#current, error, "", "");
  }

  /** Reports an error that no cell waits for. */
  stray(error: unknown): void {
    this.#channel.text("stderr", `Uncaught ${partsOf(error).traceback}\n`);
  }

  /** Called after a snapshot was restored: its clones must differ, and have variables of their own. */
  restored(envs: Record<string, string>): void {
    for (const name of Object.keys(this.#envs ?? {})) if (!(name in envs)) delete process.env[name];
    Object.assign(process.env, envs);
    this.#envs = envs;
    if (envs["NODE_EXTRA_CA_CERTS"] !== undefined) trustExtra(envs["NODE_EXTRA_CA_CERTS"]);
    reseed();
  }

  /** Resets only what calls leave that declare nothing: V8 cannot undo declarations. */
  reset(): void {
    this.#count = 0;
    this.#channel.forget();
    this.#channel.end();
  }

  close(): void {
    this.#evaluator.close();
  }

  #settle(execution: number, outcome: Outcome, code: string, cell: string): void {
    if (outcome.kind === "terminated") return this.#interrupted();
    if (outcome.kind === "error") {
      const { error, line = 0, column = 0 } = outcome;
      return this.#fail(execution, error, code, cell, line, column);
    }
    const { value } = outcome;
    if (value === undefined) return this.#finish();
    if (isSimple(value)) {
      this.#channel.result({ text: String(value).toWellFormed() }, true);
      return this.#finish();
    }
    this.#show(value).then(
      (fields) => {
        if (this.#current !== execution) return;
        if (fields !== undefined) this.#channel.result(fields, true);
        this.#finish();
      },
      (error: unknown) => {
        if (this.#current === execution) this.#fail(execution, error, code, cell);
      },
    );
  }

  /** Awaits a promise: cells often end with a call of an asynchronous function. */
  async #show(value: unknown): Promise<Record<string, unknown> | undefined> {
    const settled = isPromise(value) ? await value : value;
    return settled === undefined ? undefined : fieldsOf(await bundleOf(settled));
  }

  #fail(
    execution: number,
    error: unknown,
    code: string,
    cell: string,
    line?: number,
    column = 0,
  ): void {
    if (this.#current !== execution) return;
    const isSyntax =
      error instanceof SyntaxError &&
      line !== undefined &&
      !/\n\s+at cell-/.test(error.stack ?? "");
    const parts = isSyntax ? partsOfSyntaxError(error, code, cell, line, column) : partsOf(error);
    this.#channel.error(parts.name, parts.value, parts.traceback);
    this.#finish();
  }

  #interrupted(): void {
    this.#cell.abandoned = true;
    const value =
      "The code was interrupted. Timers that it set do nothing any more, and what it may still print is dropped.";
    this.#channel.error("Interrupted", value, `Interrupted: ${value}`);
    this.#finish();
  }

  #finish(): void {
    this.#current = 0;
    Atomics.store(this.#running, 0, 0);
    if (this.#changed !== undefined) apply(this.#changed);
    this.#changed = undefined;
    this.#channel.end();
  }
}

function isSimple(value: unknown): boolean {
  const kind = typeof value;
  return (kind === "number" && !Object.is(value, -0)) || kind === "string" || kind === "boolean";
}

/** Sets environment variables (`undefined` removes one) and returns what they were. */
function apply(
  variables: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const before: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(variables)) {
    before[name] = process.env[name];
    if (value === undefined || value === null) delete process.env[name];
    else process.env[name] = value;
  }
  return before;
}
