import { setTimeout as sleep } from "node:timers/promises";
import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { importPandas } from "./creation.ts";
import { type GroupPlan, milliseconds } from "./group.ts";
import { allTicks, descendants } from "./processes.ts";

const QUIET_MS = 500;
const PATIENCE_MS = 60_000;

export const pooled: GroupPlan = {
  ids: ["create_pooled"],
  rounds: 10,
  warmUp: 1,
  async begin() {
    const provider = microvm({ pool: { size: 1 } });
    // The pool is filled from the first creation on.
    await using _first = await Sandbox.create({ provider });
    return {
      samplers: {
        async create_pooled() {
          await spareIsReady();
          const started = performance.now();
          await using sandbox = await Sandbox.create({ provider });
          await importPandas(sandbox);
          return milliseconds(started);
        },
      },
      [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
    };
  },
};

/** A spare in the making keeps a processor busy; one that waits does not. */
async function spareIsReady(): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  await sleep(QUIET_MS);
  for (let before = -1; Date.now() < deadline;) {
    const machines = descendants();
    const now = allTicks(machines);
    if (machines.length > 0 && now - before <= 2) return;
    before = now;
    await sleep(QUIET_MS);
  }
  throw new Error("the pool was not filled");
}
