import { describeEngine } from "@emberbox/microvm/internal";
import { boot } from "./cold-boot.ts";
import { burst } from "./burst.ts";
import { calls } from "./calls.ts";
import { creation } from "./creation.ts";
import { gateway } from "./gateway.ts";
import { type GroupPlan, NotMeasured } from "./group.ts";
import { hostileNeighbour } from "./hostile-neighbour.ts";
import { describeMachine } from "./machine.ts";
import { memory } from "./memory.ts";
import { output } from "./output.ts";
import { pooled } from "./pooled.ts";
import {
  type BenchId,
  type BenchReport,
  benchIds,
  type BenchResult,
  summarize,
} from "./results.ts";
import { state } from "./state.ts";
import { transfer } from "./transfer.ts";

const plans: readonly GroupPlan[] = [
  creation,
  pooled,
  boot,
  calls,
  output,
  memory,
  burst,
  transfer,
  gateway,
  state,
  hostileNeighbour,
];

/** Measures what is asked for, one group after another. `say` is told of the progress. */
export async function bench(
  wanted: readonly string[],
  say: (line: string) => void,
): Promise<BenchReport> {
  const { qemu, accelerator } = await describeEngine(say);
  const results: BenchResult[] = [];
  for (const plan of plans) {
    const ids = plan.ids.filter((id) => wanted.includes(id));
    if (ids.length > 0) results.push(...(await measure(plan, ids, say)));
  }
  results.sort((a, b) => benchIds.indexOf(a.id) - benchIds.indexOf(b.id));
  return { machine: await describeMachine(qemu), accelerator, results };
}

async function measure(
  plan: GroupPlan,
  ids: readonly BenchId[],
  say: (line: string) => void,
): Promise<BenchResult[]> {
  const samples = new Map<BenchId, number[]>(ids.map((id) => [id, []]));
  const reasons = new Map<BenchId, string>();
  say(`measuring ${ids.join(", ")}`);
  await using group = await plan.begin();
  for (let round = -plan.warmUp; round < plan.rounds; round++) {
    for (const id of ids) {
      if (reasons.has(id)) continue;
      try {
        const sample = await group.samplers[id]!();
        if (round >= 0) samples.get(id)!.push(sample);
      } catch (error) {
        if (!(error instanceof NotMeasured)) throw error;
        reasons.set(id, error.message);
      }
    }
  }
  const results = ids.map((id) => summarize(id, samples.get(id)!, reasons.get(id)));
  for (const { id, median, unit, reason } of results)
    say(`${id}: ${median === null ? `not measured, ${reason}` : `${median} ${unit}`}`);
  return results;
}
