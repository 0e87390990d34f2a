import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { coldBoot } from "@emberbox/microvm/internal";
import { importPandas } from "./creation.ts";
import { type GroupPlan, milliseconds } from "./group.ts";

export const boot: GroupPlan = {
  ids: ["cold_boot"],
  rounds: 3,
  warmUp: 0,
  async begin() {
    const provider = microvm();
    return {
      samplers: {
        async cold_boot() {
          const started = performance.now();
          await using machine = await coldBoot();
          await importPandas(new Sandbox(machine, provider));
          return milliseconds(started);
        },
      },
      [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
    };
  },
};
