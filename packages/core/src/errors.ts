import { errorCodes, type ErrorCode, type ErrorKind } from "./error-codes.ts";
import { plainText } from "./terminal.ts";

/** What an error carries besides its code and message. */
export interface EmberboxErrorOptions {
  /** What the call had produced so far (an `Execution`, a `CommandResult`), or facts about the failure. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** Replaces the code's usual hint. */
  readonly hint?: string;
}

const brand = Symbol.for("emberbox.error");

/**
 * The only error class. `code` says what happened, `kind` who can do something about it, `hint` what to do, and
 * `details` what else is known.
 */
export class EmberboxError extends Error {
  override readonly name: string = "EmberboxError";
  readonly code: ErrorCode;
  /** Who can do something about it; also useful for codes that a program does not know. */
  readonly kind: ErrorKind;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: EmberboxErrorOptions = {}) {
    // It may quote what a sandbox wrote, and programs print errors.
    super(plainText(message), options.cause === undefined ? undefined : { cause: options.cause });
    Object.defineProperty(this, brand, { value: true });
    this.code = code;
    this.kind = errorCodes[code].kind;
    this.hint = options.hint ?? errorCodes[code].hint;
    this.details = Object.freeze({ ...options.details });
  }

  /** True for an `EmberboxError` of any copy of this package. */
  static isInstance(value: unknown): value is EmberboxError {
    return (
      typeof value === "object" &&
      value !== null &&
      (value as Record<symbol, unknown>)[brand] === true
    );
  }
}
