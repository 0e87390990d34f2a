import { EmberboxError } from "../errors.ts";

/** The most bytes that one sandbox's documents may take together while they are read. */
const MAX_PENDING = 128 * 1024 * 1024;

const budgets = new WeakMap<object, Budget>();

/** Counts the memory that one sandbox's answers take while they are read, in all calls together. */
export class Budget {
  #taken = 0;

  /** The budget of a connection to a sandbox. */
  static of(connection: object): Budget {
    let budget = budgets.get(connection);
    if (budget === undefined) budgets.set(connection, (budget = new Budget()));
    return budget;
  }

  /** Reserves memory. @throws `protocol_error` when none is left */
  take(bytes: number): void {
    if (this.#taken + bytes > MAX_PENDING)
      throw new EmberboxError(
        "protocol_error",
        `The sandbox's answers take more than ${MAX_PENDING} bytes together while they are read`,
      );
    this.#taken += bytes;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }
}
