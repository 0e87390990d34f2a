import { isPromise } from "node:util/types";
import { background } from "@emberbox/core/background";
import { fieldsOf } from "../mime-bundle.ts";
import type { Channel } from "./channel.ts";
import { runInThisContext } from "node:vm";
import { asExpression, isProgram, prepare } from "./cell.ts";
import { type Cell, runAs } from "./abandoned.ts";
import { partsOf, partsOfSyntaxError, rememberMap, writtenPlace } from "./errors.ts";
import { Evaluator, type Outcome } from "./evaluate.ts";
import { DeclaredNames } from "./names.ts";
import { Pending } from "./pending.ts";
import { reseed } from "./random.ts";
import { bundleOf } from "./results.ts";
import { trustExtra } from "./trust.ts";
import {
  mayHaveDecorators,
  placeOf,
  type Stripped,
  withoutDecorators,
  withoutTypes,
} from "./typescript.ts";

export interface JavaScriptKernelOptions {
  readonly channel: Channel;
  /** Shared with the thread that interrupts: the running execution, or 0; the last that began; the last to interrupt. */
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
  readonly #names = new DeclaredNames(this.#evaluator);
  #count = 0;
  #execution = 0;
  #current = 0;
  #cell: Cell = { abandoned: false };
  #pending = new Pending();
  #changed: Record<string, string | undefined> | undefined;
  #envs: Record<string, string> | undefined;

  constructor({ channel, running }: JavaScriptKernelOptions) {
    this.#channel = channel;
    this.#running = running;
  }

  /** Does what first calls do, once and in advance, so that a process that waits in a snapshot has done it already. */
  async warm(): Promise<void> {
    for (const code of WARM_CELLS) {
      const { code: plain } = withoutTypes(code);
      const prepared = prepare(plain, this.#names);
      const outcome = await new Promise<Outcome>((done) =>
        runAs({ abandoned: false }, () => this.#evaluator.evaluate(prepared.code, done)),
      );
      if (outcome.kind === "error") partsOf(outcome.error);
      if (outcome.kind === "value") fieldsOf(await bundleOf(outcome.value));
    }
    this.#channel.forget();
  }

  execute(code: string, envs: Record<string, string>): void {
    this.#count++;
    const execution = (this.#current = ++this.#execution);
    this.#channel.begin();
    this.#changed = apply(envs);
    Atomics.store(this.#running, 0, execution);
    Atomics.store(this.#running, 1, execution);
    const cell = `cell-${this.#count}.js`;
    const isInterrupted = (): boolean => Atomics.load(this.#running, 2) === execution;
    this.#cell = { abandoned: false, isInterrupted };
    this.#pending = new Pending();
    const failed = (error: unknown): void => {
      const [line, column] = placeOf(error) ?? [];
      this.#fail(execution, error, code, cell, line, column);
    };
    try {
      const stripped = this.isTypeScript ? plainOf(code) : { code: plainIfObject(code) };
      if (!(stripped instanceof Promise)) return this.#run(stripped, execution, code, cell);
      stripped.then((one) => this.#run(one, execution, code, cell)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #run({ code, map, merged }: Stripped, execution: number, source: string, cell: string): void {
    if (this.#current !== execution) return;
    if (map !== undefined) rememberMap(cell, map);
    this.#names.forget();
    this.#names.merged = merged;
    const prepared = prepare(code, this.#names);
    if (prepared.dead !== undefined) this.#evaluator.declare(prepared.dead);
    runAs(this.#cell, () => {
      if (prepared.before !== undefined) runInThisContext(prepared.before, { filename: cell });
      this.#evaluator.evaluate(`${prepared.code}\n//# sourceURL=${cell}`, (outcome) => {
        // An interrupted cell may still finish, which no longer matters.
        if (this.#current === execution) this.#settle(execution, outcome, source, cell);
      });
    });
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
    this.#channel.end(this.#count + 1);
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
    if (value === undefined) return this.#finishAfterAll(execution);
    if (isSimple(value)) {
      this.#channel.result({ text: String(value).toWellFormed() }, true);
      return this.#finishAfterAll(execution);
    }
    this.#show(value).then(
      (fields) => {
        if (this.#current !== execution) return;
        if (fields !== undefined) this.#channel.result(fields, true);
        this.#finishAfterAll(execution);
      },
      (error: unknown) => {
        if (this.#current === execution) this.#fail(execution, error, code, cell);
      },
    );
  }

  /** As a script, a cell is over when everything is that it started. */
  #finishAfterAll(execution: number): void {
    const isWanted = (): boolean => this.#current === execution;
    const waited = this.#pending.settled(isWanted, () => this.#channel.release());
    background(
      waited.then(() => {
        if (isWanted()) this.#finish();
      }),
      (error) => this.#fail(execution, error, "", ""),
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
    const place = isSyntax ? writtenPlace(cell, line, column) : undefined;
    const parts =
      place !== undefined
        ? partsOfSyntaxError(error as Error, code, cell, ...place)
        : partsOf(error);
    this.#channel.error(parts.name, parts.value, parts.traceback);
    this.#finish();
  }

  #interrupted(): void {
    // At once: whoever stops what does not respond is not to stop this.
    Atomics.store(this.#running, 0, 0);
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
    this.#channel.end(this.#count + 1);
  }
}

/** The cell without types, and with its decorators made into calls. */
function plainOf(code: string): Stripped | Promise<Stripped> {
  const decorated = mayHaveDecorators(code);
  const wrapped = asExpression(code);
  if (wrapped !== undefined) {
    try {
      const stripped = withoutTypes(wrapped);
      if (isProgram(stripped.code)) return stripped;
    } catch {
      // It is a block.
    }
  }
  const stripped = withoutTypes(code);
  return !decorated || isProgram(stripped.code) ? stripped : withoutDecorators(code);
}

function plainIfObject(code: string): string {
  const wrapped = asExpression(code);
  return wrapped !== undefined && isProgram(wrapped) ? wrapped : code;
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
