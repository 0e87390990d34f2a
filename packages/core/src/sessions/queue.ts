import { untilAborted } from "./until-aborted.ts";

/** Work that changes something, one at a time and in the order asked for. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when all before it has ended. An abort leaves the line; work that runs minds the signal itself. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#last;
    const mine = Promise.withResolvers<void>();
    this.#last = before.then(() => mine.promise);
    try {
      await untilAborted(before, signal);
      return await work();
    } finally {
      mine.resolve();
    }
  }

  /** Resolves when everything asked for so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}

const queues = new WeakMap<object, Queue>();

/** The queue of a sandbox, also when several sets of tools use it. */
export function queueOf(sandbox: object): Queue {
  let queue = queues.get(sandbox);
  if (queue === undefined) queues.set(sandbox, (queue = new Queue()));
  return queue;
}

/** Has another object for the same sandbox wait in the same line. */
export function shareQueue(other: object, sandbox: object): void {
  queues.set(other, queueOf(sandbox));
}
