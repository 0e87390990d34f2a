import { runInThisContext } from "node:vm";
import type { Names } from "./declarations.ts";
import type { Evaluator } from "./evaluate.ts";

/** What the cells that have run declared, as V8 knows it. */
export class DeclaredNames implements Names {
  readonly constants: Set<string> = new Set();
  readonly #evaluator: Evaluator;
  merged: readonly string[] | undefined;
  #lexical: ReadonlySet<string> | undefined;

  constructor(evaluator: Evaluator) {
    this.#evaluator = evaluator;
  }

  /** Another cell begins. */
  forget(): void {
    this.#lexical = undefined;
  }

  isLexical(name: string): boolean {
    this.#lexical ??= this.#evaluator.lexicalNames();
    return this.#lexical.has(name);
  }

  isFixed(name: string): boolean {
    const property = Object.getOwnPropertyDescriptor(globalThis, name);
    return property?.configurable === false && property.writable === true;
  }

  isDead(name: string): boolean {
    try {
      runInThisContext(name);
      return false;
    } catch {
      return true;
    }
  }
}
