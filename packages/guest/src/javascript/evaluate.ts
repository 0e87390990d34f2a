import { Session, type Runtime } from "node:inspector";

/** The outcome of evaluating a piece of code. */
export type Outcome =
  | { readonly kind: "value"; readonly value: unknown }
  | {
      readonly kind: "error";
      readonly error: unknown;
      readonly line?: number;
      readonly column?: number;
    }
  | { readonly kind: "terminated" };

/**
 * Evaluates code as a browser's console does: names may be declared again, `await` works at the top level, and the
 * value of the last expression is the result. V8 offers that only to inspectors, so this is one.
 */
export class Evaluator {
  readonly #session = new Session();
  #taken: unknown;
  #takerId: string | undefined;

  constructor() {
    this.#session.connect();
  }

  evaluate(code: string, done: (outcome: Outcome) => void): void {
    const parameters = { expression: code, replMode: true, awaitPromise: true, silent: true };
    this.#session.post("Runtime.evaluate", parameters, (problem, answer) => {
      if (problem !== null || answer === undefined) return done({ kind: "terminated" });
      const { result, exceptionDetails } = answer as Runtime.EvaluateReturnType;
      if (exceptionDetails === undefined)
        return done({ kind: "value", value: this.#valueOf(result) });
      const { exception, lineNumber, columnNumber, text } = exceptionDetails;
      const error = exception === undefined ? new Error(text) : this.#valueOf(exception);
      done({ kind: "error", error, line: lineNumber, column: columnNumber });
    });
  }

  /** Declares names that have no value, because the code that was to give them one failed. */
  declare(names: readonly string[]): void {
    this.#session.post("Runtime.evaluate", {
      expression: `let ${names.join(", ")};`,
      replMode: true,
    });
  }

  /** What V8 knows at present as variables and constants of cells. */
  lexicalNames(): ReadonlySet<string> {
    let names: readonly string[] = [];
    this.#session.post("Runtime.globalLexicalScopeNames", {}, (_, answer) => {
      names = (answer as Runtime.GlobalLexicalScopeNamesReturnType | undefined)?.names ?? [];
    });
    return new Set(names);
  }

  /** Node waits for inspectors before it exits, and prints that it does. */
  close(): void {
    this.#session.disconnect();
  }

  /** The value itself, for which the inspector only gives a description. */
  #valueOf(remote: Runtime.RemoteObject): unknown {
    if (remote.objectId === undefined) return primitive(remote);
    const session = this.#session;
    session.post("Runtime.callFunctionOn", {
      objectId: (this.#takerId ??= this.#makeTaker()),
      functionDeclaration: "function (value) { this(value); }",
      arguments: [{ objectId: remote.objectId }],
      silent: true,
    });
    session.post("Runtime.releaseObject", { objectId: remote.objectId });
    const value = this.#taken;
    this.#taken = undefined;
    return value;
  }

  /** A function that hands values over, known to the inspector by an id. */
  #makeTaker(): string {
    const name = "__emberbox_take__";
    const take = (value: unknown): void => {
      this.#taken = value;
    };
    Object.defineProperty(globalThis, name, { value: take, configurable: true });
    let id = "";
    this.#session.post("Runtime.evaluate", { expression: name }, (_, answer) => {
      id = (answer as Runtime.EvaluateReturnType).result.objectId!;
    });
    Reflect.deleteProperty(globalThis, name);
    return id;
  }
}

function primitive(remote: Runtime.RemoteObject): unknown {
  const special = remote.unserializableValue;
  if (special === undefined) return remote.type === "undefined" ? undefined : remote.value;
  return special.endsWith("n") ? BigInt(special.slice(0, -1)) : Number(special);
}
