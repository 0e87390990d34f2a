import type { SnapshotInfo } from "@emberbox/core/state";
import type { Usage } from "./quotas.ts";
import type { Registry } from "./registry.ts";
import type { Caller } from "./tenants.ts";

const MIB = 1024 * 1024;

/** Reports what tenants have, looking up only the kinds that are asked for. */
export function createUsage(
  registry: Registry,
  listSnapshots: (caller: Caller) => Promise<readonly SnapshotInfo[]>,
): Usage {
  return async (tenant, kinds) => {
    const caller = { tenant, isOperator: false };
    const needsSandboxes = kinds.has("sandboxes") || kinds.has("memoryMB") || kinds.has("diskMB");
    const needsSnapshots = kinds.has("snapshots") || kinds.has("diskMB");
    const known = needsSandboxes ? await registry.list(caller) : [];
    const sandboxes = known.map(({ info }) => info);
    const running = sandboxes.filter(({ state }) => state === "running");
    const snapshots = needsSnapshots ? await listSnapshots(caller) : [];
    const kept = [...sandboxes, ...snapshots];
    return {
      sandboxes: running.length,
      memoryMB: sum(running.map(({ memoryMB }) => memoryMB)),
      snapshots: snapshots.length,
      diskMB: sum(kept.map(({ sizeBytes = 0 }) => sizeBytes)) / MIB,
    };
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
