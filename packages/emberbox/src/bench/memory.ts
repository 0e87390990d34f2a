import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, NotMeasured } from "./group.ts";
import { descendants, proportionalSetSize } from "./processes.ts";

const SANDBOXES = 4;

/** What a sandbox adds that has answered once and is now idle: its QEMU and its jail. */
export const memory: GroupPlan = {
  ids: ["idle_memory"],
  rounds: 3,
  warmUp: 0,
  begin: async () => ({
    samplers: {
      async idle_memory() {
        await using provider = microvm();
        for (let count = 0; count < SANDBOXES; count++) {
          const sandbox = await Sandbox.create({ provider });
          await sandbox.runCode("1+1");
        }
        try {
          const bytes = descendants()
            .map(proportionalSetSize)
            .reduce((sum, each) => sum + each, 0);
          return bytes / SANDBOXES / 1e6;
        } catch (error) {
          throw new NotMeasured(`this user may not read it: ${(error as Error).message}`);
        }
      },
    },
    async [Symbol.asyncDispose]() {},
  }),
};
