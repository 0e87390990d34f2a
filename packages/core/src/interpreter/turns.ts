import { Queue } from "../concurrency/queue.ts";
import type { SandboxConnection } from "../provider.ts";

const lines = new WeakMap<SandboxConnection, Map<string, Queue>>();

/**
 * Sends the calls of one context in the order in which they were made: on separate connections, requests may overtake
 * each other. The next call may go once `send` reports that its request is on the wire, or settles.
 */
export async function inTurn<T>(
  connection: SandboxConnection,
  signal: AbortSignal,
  context: string,
  send: (sent: () => void) => Promise<T>,
): Promise<T> {
  const queues = queuesOf(connection);
  const queue = queues.get(context) ?? new Queue();
  queues.set(context, queue);
  try {
    return await queue.run(send, signal);
  } finally {
    if (queue.isEmpty && queues.get(context) === queue) queues.delete(context);
  }
}

function queuesOf(connection: SandboxConnection): Map<string, Queue> {
  let queues = lines.get(connection);
  if (queues === undefined) lines.set(connection, (queues = new Map()));
  return queues;
}
