import { untilAborted } from "./until-aborted.ts";

/** Runs work that changes something one at a time, in the order requested. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` after everything before it. An abort leaves the queue; running work watches the signal itself. */
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

  /** Resolves once everything queued so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}

const queues = new WeakMap<object, Queue>();

/** The queue of a sandbox, shared by all sets of tools that use it. */
export function queueOf(sandbox: object): Queue {
  let queue = queues.get(sandbox);
  if (queue === undefined) queues.set(sandbox, (queue = new Queue()));
  return queue;
}

/** Makes another object for the same sandbox use the same queue. */
export function shareQueue(other: object, sandbox: object): void {
  queues.set(other, queueOf(sandbox));
}
