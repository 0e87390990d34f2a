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
  readonly #before = resources();
  readonly #repeating = countRepeating(REPEATING_MS);

  constructor() {
    requests.clear();
  }

  /** Resolves when everything has ended that ends by itself, or the limit is over, or nobody is interested any more. */
  async settled(isWanted: () => boolean, onWait: () => void): Promise<void> {
    const start = performance.now();
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (!isWanted() || !this.#isBusy(start)) return;
    onWait();
    // What a request or a timer wakes may need some turns to start what comes next.
    let calm = 0;
    while (calm < CALM_LOOKS && isWanted() && performance.now() < start + LIMIT_MS) {
      await new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS).unref());
      calm = this.#isBusy(start) ? 0 : calm + 1;
    }
  }

  #isBusy(start: number): boolean {
    if (requests.size > 0) return true;
    if (performance.now() < start + REPEATING_MS && countRepeating(REPEATING_MS) > this.#repeating)
      return true;
    const now = resources();
    if (isSame(now, this.#before)) return false;
    const before = countsOf(this.#before);
    return [...countsOf(now)].some(([type, count]) => count > (before.get(type) ?? 0));
  }
}

/** What keeps the process alive. */
interface Resources {
  readonly types: readonly string[];
  readonly repeating: number;
}

function resources(): Resources {
  return { types: process.getActiveResourcesInfo(), repeating: countRepeating() };
}

/** Most cells leave things as they were, which is quick to see. */
function isSame(one: Resources, other: Resources): boolean {
  return (
    one.repeating === other.repeating &&
    one.types.length === other.types.length &&
    one.types.every((type, index) => type === other.types[index])
  );
}

function countsOf({ types, repeating }: Resources): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const type of types) if (!LASTING.test(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  counts.set("Timeout", (counts.get("Timeout") ?? 0) - repeating);
  return counts;
}
