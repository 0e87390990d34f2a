import type { EventRows } from "./event-rows.ts";

/** How many sandboxes a tenant had at a moment. */
export interface TeamMetric {
  readonly timestamp: string;
  readonly timestampUnix: number;
  readonly concurrentSandboxes: number;
  /** Started in a second, over the minute before. */
  readonly sandboxStartRate: number;
}

const MOST_EVENTS = 10_000;
const MINUTE_MS = 60_000;

const steps: Readonly<Record<string, number>> = {
  "sandbox.lifecycle.created": 1,
  "sandbox.lifecycle.resumed": 1,
  "sandbox.lifecycle.paused": -1,
};

/** Follows from the present number and the events, back to the first event that is kept. Oldest first. */
export function teamMetrics(events: EventRows, tenant: string, running: number): TeamMetric[] {
  const kept = events
    .list({ tenant, offset: 0, limit: MOST_EVENTS, ascending: false })
    .map(({ event }) => ({
      at: Date.parse(event.timestamp),
      isStart: event.type === "sandbox.lifecycle.created",
      // One that was paused when it ended did not run any more.
      step: steps[event.type] ?? (event.eventData.execution === undefined ? 0 : -1),
    }))
    .filter(({ step }) => step !== 0);
  let concurrent = running;
  const points = [{ at: Date.now(), concurrent }];
  for (const { at, step } of kept) {
    points.push({ at, concurrent });
    concurrent = Math.max(0, concurrent - step);
  }
  const starts = kept.flatMap(({ at, isStart }) => (isStart ? [at] : [])).toReversed();
  let [from, to] = [0, 0];
  return points.toReversed().map(({ at, concurrent }) => {
    while (to < starts.length && starts[to]! <= at) to++;
    while (from < to && starts[from]! <= at - MINUTE_MS) from++;
    return {
      timestamp: new Date(at).toISOString(),
      timestampUnix: Math.floor(at / 1000),
      concurrentSandboxes: concurrent,
      sandboxStartRate: (to - from) / 60,
    };
  });
}
