import type { BenchId } from "./results.ts";

/** Takes one sample. */
export type Sampler = () => Promise<number>;

/** Measurements that are taken in turn, so that whatever else the machine does affects all of them. */
export interface Group extends AsyncDisposable {
  readonly samplers: Partial<Record<BenchId, Sampler>>;
}

export interface GroupPlan {
  readonly ids: readonly BenchId[];
  readonly rounds: number;
  /** Rounds before the measured ones, which do not count. */
  readonly warmUp: number;
  begin(): Promise<Group>;
}

/** Between two sandboxes of a program, in ms. */
export const PAUSE_MS = 2000;

/** This machine cannot measure it. */
export class NotMeasured extends Error {}

export function milliseconds(since: number): number {
  return performance.now() - since;
}
