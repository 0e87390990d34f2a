import { setTimeout as sleep } from "node:timers/promises";
import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, NotMeasured } from "./group.ts";
import { allTicks, descendants, proportionalSetSize, TICKS_PER_SECOND } from "./processes.ts";

const SANDBOXES = 20;
/** How long sandboxes are left alone first: what their first call put off is over then. */
const SETTLED_MS = 5000;
const WATCHED_MS = 20_000;

/** What a sandbox takes that has answered once and is now idle: its QEMU and its jail. */
export const idle: GroupPlan = {
  ids: ["idle_memory", "idle_cpu"],
  rounds: 3,
  warmUp: 0,
  async begin() {
    const provider = microvm({ standby: false });
    for (let count = 0; count < SANDBOXES; count++) {
      const sandbox = await Sandbox.create({ provider });
      await sandbox.runCode("1+1");
    }
    await sleep(SETTLED_MS);
    return {
      samplers: {
        async idle_memory() {
          try {
            const bytes = descendants()
              .map(proportionalSetSize)
              .reduce((sum, each) => sum + each, 0);
            return bytes / SANDBOXES / 1e6;
          } catch (error) {
            throw new NotMeasured(`this user may not read it: ${(error as Error).message}`);
          }
        },
        async idle_cpu() {
          const before = allTicks(descendants());
          await sleep(WATCHED_MS);
          const seconds = (allTicks(descendants()) - before) / TICKS_PER_SECOND / SANDBOXES;
          return (seconds / (WATCHED_MS / 1000)) * 100;
        },
      },
      [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
    };
  },
};
