import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { Sandboxes } from "./sandboxes.ts";
import { operator } from "./tenants.ts";

/** Figures for Prometheus. */
export interface Metrics {
  /** Counts a request and how long it took, in seconds. */
  request(kind: "control" | "sandbox", method: string, status: number, seconds: number): void;
  lost(count: number): void;
  read(): Promise<{ type: string; text: string }>;
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

export function createMetrics(sandboxes: () => Sandboxes): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: "emberbox_request_duration_seconds",
    help: "How long requests took; those to sandboxes, with their bodies",
    labelNames: ["kind", "method", "status"],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });
  const lost = new Counter({
    name: "emberbox_sandboxes_lost_total",
    help: "Sandboxes that ended with a server that was not shut down",
    registers,
  });
  const gauge = new Gauge({
    name: "emberbox_sandboxes",
    help: "Sandboxes there are",
    labelNames: ["state"],
    registers: [],
    async collect() {
      const states = (await sandboxes().registry.list(operator)).map(({ info }) => info.state);
      for (const state of ["running", "paused"] as const)
        this.set({ state }, states.filter((each) => each === state).length);
    },
  });
  registry.registerMetric(gauge);
  return {
    request(kind, method, status, seconds) {
      requests.observe(
        {
          kind,
          method: METHODS.has(method) ? method : "other",
          status: `${Math.floor(status / 100)}xx`,
        },
        seconds,
      );
    },
    lost: (count) => lost.inc(count),
    read: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
