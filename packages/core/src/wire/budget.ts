import { EmberboxError } from "../errors.ts";

/** What documents of one sandbox that are still being read may take together, `bytes`. */
const MAX_PENDING = 128 * 1024 * 1024;

const budgets = new WeakMap<object, Budget>();

/** What one sandbox's answers take while they are read, in however many calls at once. */
export class Budget {
  #taken = 0;

  /** That of a connection to a sandbox. */
  static of(connection: object): Budget {
    let budget = budgets.get(connection);
    if (budget === undefined) budgets.set(connection, (budget = new Budget()));
    return budget;
  }

  /** @throws `protocol_error` when there is no more */
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
