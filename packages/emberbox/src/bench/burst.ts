import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, milliseconds } from "./group.ts";

const SANDBOXES = 20;

export const burst: GroupPlan = {
  ids: ["burst_20"],
  rounds: 3,
  warmUp: 0,
  begin: async () => ({
    samplers: {
      async burst_20() {
        await using provider = microvm();
        const started = performance.now();
        await Promise.all(
          Array.from({ length: SANDBOXES }, async () => {
            const sandbox = await Sandbox.create({ provider });
            const { text } = await sandbox.runCode("1+1");
            if (text !== "2") throw new Error(`1+1 answered ${text}`);
          }),
        );
        return milliseconds(started) / 1000;
      },
    },
    async [Symbol.asyncDispose]() {},
  }),
};
