/** Which cell code belongs to, even after an `await`, and what becomes of it when the cell is given up. */
import { AsyncLocalStorage } from "node:async_hooks";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import timersPromises from "node:timers/promises";
import { promisify } from "node:util";
import { remember, remembering } from "./repeating.ts";

export interface Cell {
  /** It was interrupted: nobody is told about what still runs of it. */
  abandoned: boolean;
  /** It is about to be, as soon as something that does not respond has been stopped. */
  readonly isInterrupted?: () => boolean;
}

type Work = (...values: unknown[]) => unknown;

const cells = new AsyncLocalStorage<Cell>();

export function runAs(cell: Cell, work: () => void): void {
  cells.run(cell, work);
}

export function isAbandoned(): boolean {
  const cell = cells.getStore();
  return cell !== undefined && (cell.abandoned || cell.isInterrupted?.() === true);
}

/** JavaScript cannot stop a function that awaits; but it never wakes if the timers that it awaits do nothing. */
export function guardTimers(): void {
  const promises = timersPromises as unknown as Record<string, Work>;
  for (const name of ["setTimeout", "setImmediate"]) {
    const wait = promises[name]!;
    promises[name] = async (...values) => {
      const value = await wait(...values);
      return isAbandoned() ? new Promise(() => {}) : value;
    };
  }
  promises["setInterval"] = remembering(timersPromises.setInterval) as Work;
  const all = timers as unknown as Record<string, Work>;
  for (const name of ["setTimeout", "setInterval", "setImmediate"]) {
    const set = all[name]!;
    const guarded: Work = (callback, ...values) => {
      const timer = set(guard(callback), ...values);
      if (name === "setInterval") remember(timer);
      return timer;
    };
    Object.defineProperty(guarded, "name", { value: name });
    if (name !== "setInterval")
      Object.defineProperty(guarded, promisify.custom, { value: promises[name] });
    all[name] = guarded;
    (globalThis as unknown as Record<string, Work>)[name] = guarded;
  }
  syncBuiltinESMExports();
}

function guard(callback: unknown): unknown {
  if (typeof callback !== "function") return callback;
  return function (this: NodeJS.Timeout, ...values: unknown[]): unknown {
    if (!isAbandoned()) return Reflect.apply(callback, this, values);
    clearInterval(this);
    return undefined;
  };
}
