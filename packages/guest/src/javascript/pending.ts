/** What a cell has started and not waited for. */
import { subscribe } from "node:diagnostics_channel";
import { countRepeating } from "./repeating.ts";

/** How long a cell is kept open for it, in ms. */
const LIMIT_MS = 10_000;
/** How long it is kept open for timers that repeat, in ms; not at all for those that take longer each time. */
const REPEATING_MS = 500;
const LOOK_MS = 10;
const CALM_LOOKS = 3;
/** These may stay for ever: servers, connections, watchers. An HTTP request is known by itself. */
const LASTING = /Server|Socket|^(?:Pipe|TLS|TTY|UDP|Signal|FSEvent)|Watcher|MessagePort|Worker/i;
/** Not those that cells see, which end with their cell. */
const { setTimeout, setImmediate } = globalThis;

/** Requests under way, of the cell that runs. */
const requests = new Set<object>();

interface Message {
  readonly request: object & { once?(event: string, listener: () => void): void };
}

for (const name of ["http.client.request.start", "undici:request:create"])
  subscribe(name, (message) => {
    const { request } = message as Message;
    requests.add(request);
    if (name.startsWith("http")) request.once?.("close", () => requests.delete(request));
  });
for (const name of ["undici:request:trailers", "undici:request:error"])
  subscribe(name, (message) => requests.delete((message as Message).request));

export class Pending {
  readonly #before: ReadonlyMap<string, number> = resources();
  readonly #repeating = countRepeating(REPEATING_MS);

  constructor() {
    requests.clear();
  }

  /** Resolves when everything has ended that ends by itself, or the limit is over, or nobody is interested any more. */
  async settled(isWanted: () => boolean, onWait: () => void): Promise<void> {
    const start = performance.now();
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (isWanted() && this.#isBusy(start)) onWait();
    // What a request or a timer wakes may need some turns to start what comes next.
    let calm = this.#isBusy(start) ? 0 : CALM_LOOKS;
    while (calm < CALM_LOOKS && isWanted() && performance.now() < start + LIMIT_MS) {
      await new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS).unref());
      calm = this.#isBusy(start) ? 0 : calm + 1;
    }
  }

  #isBusy(start: number): boolean {
    if (requests.size > 0) return true;
    if (performance.now() < start + REPEATING_MS && countRepeating(REPEATING_MS) > this.#repeating)
      return true;
    return [...resources()].some(([type, count]) => count > (this.#before.get(type) ?? 0));
  }
}

function resources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo())
    if (!LASTING.test(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  counts.set("Timeout", (counts.get("Timeout") ?? 0) - countRepeating());
  return counts;
}
