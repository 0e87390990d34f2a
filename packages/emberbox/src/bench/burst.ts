import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, milliseconds } from "./group.ts";
import { allTicks, descendants, TICKS_PER_SECOND } from "./processes.ts";

const SANDBOXES = 20;

interface Burst {
  readonly seconds: number;
  /** Processor time of a create, of this program and of all that it started, in ms. */
  readonly cpuMs: number;
}

export const burst: GroupPlan = {
  ids: ["burst_20", "cpu_per_create"],
  rounds: 3,
  warmUp: 0,
  async begin() {
    let last: Promise<Burst> | undefined;
    return {
      samplers: {
        async burst_20() {
          last = create();
          return (await last).seconds;
        },
        cpu_per_create: async () => (await (last ?? create())).cpuMs,
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};

async function create(): Promise<Burst> {
  await using provider = microvm();
  const own = process.cpuUsage();
  const started = performance.now();
  await Promise.all(
    Array.from({ length: SANDBOXES }, async () => {
      const sandbox = await Sandbox.create({ provider });
      const { text } = await sandbox.runCode("1+1");
      if (text !== "2") throw new Error(`1+1 answered ${text}`);
    }),
  );
  const seconds = milliseconds(started) / 1000;
  const { user, system } = process.cpuUsage(own);
  const ticks = allTicks(descendants());
  const cpuMs = (user + system) / 1000 + (ticks * 1000) / TICKS_PER_SECOND;
  return { seconds, cpuMs: cpuMs / SANDBOXES };
}
