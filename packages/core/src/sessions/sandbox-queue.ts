import { Queue } from "../concurrency/queue.ts";

const queues = new WeakMap<object, Queue>();

/** The queue for work that changes something in a sandbox, shared by all sets of tools that use it. */
export function queueOf(sandbox: object): Queue {
  let queue = queues.get(sandbox);
  if (queue === undefined) queues.set(sandbox, (queue = new Queue()));
  return queue;
}

/** Makes another object for the same sandbox use the same queue. */
export function shareQueue(other: object, sandbox: object): void {
  queues.set(other, queueOf(sandbox));
}
