import { loadavg } from "node:os";
import { describeEngine } from "@emberbox/microvm/internal";
import { boot } from "./cold-boot.ts";
import { burst } from "./burst.ts";
import { calls } from "./calls.ts";
import { creation } from "./creation.ts";
import { gateway } from "./gateway.ts";
import { type GroupPlan, NotMeasured } from "./group.ts";
import { guestSpeed } from "./guest-speed.ts";
import { hostileNeighbour } from "./hostile-neighbour.ts";
import { idle } from "./idle.ts";
import { describeMachine } from "./machine.ts";
import { output } from "./output.ts";
import { pooled } from "./pooled.ts";
import { type BenchId, type BenchReport, summarize } from "./results.ts";
import { scale } from "./scale.ts";
import { state } from "./state.ts";
import { transfer } from "./transfer.ts";
import { workspace } from "./workspace.ts";
import { volumes } from "./volumes.ts";

const plans: readonly GroupPlan[] = [
  creation,
  pooled,
  boot,
  calls,
  output,
  idle,
  burst,
  transfer,
  workspace,
  volumes,
  gateway,
  state,
  guestSpeed,
  scale,
  hostileNeighbour,
];

/** Measures what is asked for, one group after another. `say` is told of the progress. */
export async function bench(
  wanted: readonly string[],
  say: (line: string) => void,
): Promise<BenchReport> {
  // Before it is this program that keeps it busy.
  const [load] = loadavg() as [number];
  const { qemu, accelerator } = await describeEngine(say);
  const measured: Measured = { samples: new Map(), reasons: new Map() };
  for (const plan of plans) {
    const ids = plan.ids.filter((id) => wanted.includes(id));
    if (ids.length > 0) await measure(plan, ids, measured, say);
  }
  const results = summarize(measured.samples, measured.reasons);
  return { machine: { ...(await describeMachine(qemu)), load }, accelerator, results };
}

interface Measured {
  readonly samples: Map<BenchId, number[]>;
  /** Why something could not be measured. */
  readonly reasons: Map<BenchId, string>;
}

async function measure(
  plan: GroupPlan,
  ids: readonly BenchId[],
  { samples, reasons }: Measured,
  say: (line: string) => void,
): Promise<void> {
  for (const id of ids) samples.set(id, []);
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
  for (const { id, median, unit, reason } of summarize(samples, reasons)) {
    if (!ids.includes(id)) continue;
    say(`${id}: ${median === null ? `not measured, ${reason}` : `${median} ${unit}`}`);
  }
}
