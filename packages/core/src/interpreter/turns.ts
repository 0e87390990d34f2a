import type { SandboxConnection } from "../provider.ts";
import type { Call } from "../wire/call.ts";

const lines = new WeakMap<SandboxConnection, Map<string, Promise<void>>>();

/**
 * Sends the calls of one context in the order in which they were made: on separate connections, requests may overtake
 * each other. The next call may go once `send` reports that its request is on the wire, or settles.
 */
export async function inTurn<T>(
  connection: SandboxConnection,
  call: Call,
  context: string,
  send: (sent: () => void) => Promise<T>,
): Promise<T> {
  const line = lineOf(connection);
  const before = line.get(context);
  const { promise: mine, resolve: sent } = Promise.withResolvers<void>();
  const all = Promise.all([before, mine]).then(() => {
    if (line.get(context) === all) line.delete(context);
  });
  line.set(context, all);
  try {
    if (before !== undefined) await call.race(before);
    return await send(sent);
  } finally {
    sent();
  }
}

function lineOf(connection: SandboxConnection): Map<string, Promise<void>> {
  let line = lines.get(connection);
  if (line === undefined) lines.set(connection, (line = new Map()));
  return line;
}
