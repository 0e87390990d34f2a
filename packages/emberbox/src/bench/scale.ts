import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, milliseconds, type Sampler } from "./group.ts";

const COUNTS = { scale_1: 1, scale_10: 10, scale_30: 30, scale_60: 60 } as const;
const TIMES = 5;

/** How long a create takes, to a first answer, beside others that are idle. */
export const scale: GroupPlan = {
  ids: ["scale_1", "scale_10", "scale_30", "scale_60", "scale"],
  rounds: 1,
  warmUp: 0,
  async begin() {
    const provider = microvm({ standby: false });
    const create = async (): Promise<Sandbox> => {
      const sandbox = await Sandbox.create({ provider });
      await sandbox.runCode("1+1");
      return sandbox;
    };
    await using _warm = await create();
    const others: Sandbox[] = [];
    const medians = new Map<number, number>();
    const beside =
      (count: number): Sampler =>
      async () => {
        while (others.length < count) others.push(await create());
        const known = medians.get(count);
        if (known !== undefined) return known;
        const taken: number[] = [];
        for (let time = 0; time < TIMES; time++) {
          const started = performance.now();
          const sandbox = await create();
          taken.push(milliseconds(started));
          await sandbox.kill();
        }
        const median = taken.toSorted((a, b) => a - b)[Math.floor(TIMES / 2)]!;
        medians.set(count, median);
        return median;
      };
    const entries = Object.entries(COUNTS).map(([id, count]) => [id, beside(count)]);
    return {
      samplers: {
        ...(Object.fromEntries(entries) as Record<keyof typeof COUNTS, Sampler>),
        async scale() {
          const few = await beside(COUNTS.scale_1)();
          return (await beside(COUNTS.scale_60)()) / few;
        },
      },
      [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
    };
  },
};
