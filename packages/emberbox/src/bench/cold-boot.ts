import { coldBoot } from "@emberbox/microvm/internal";
import { IMPORTS } from "./creation.ts";
import type { GroupPlan } from "./group.ts";

export const boot: GroupPlan = {
  ids: ["cold_boot"],
  rounds: 3,
  warmUp: 0,
  begin: async () => ({
    samplers: { cold_boot: () => coldBoot(IMPORTS) },
    async [Symbol.asyncDispose]() {},
  }),
};
