export type BenchId =
  | "create_to_pandas"
  | "create_second"
  | "create_pooled"
  | "host_import"
  | "tti"
  | "cold_boot"
  | "run_code"
  | "run_code_javascript"
  | "print_lines"
  | "png_result"
  | "command"
  | "idle_memory"
  | "idle_cpu"
  | "burst_20"
  | "upload"
  | "download"
  | "channel_in"
  | "channel_out"
  | "gateway_up"
  | "gateway_down"
  | "pause"
  | "snapshot"
  | "checkpoint"
  | "rollback"
  | "resume"
  | "files_1000"
  | "workspace_first"
  | "workspace_second"
  | "workspace_changes"
  | "workspace_git_status"
  | "workspace_search"
  | "own_disk_search"
  | "own_disk_git_status"
  | "volume_small_files"
  | "volume_write"
  | "cpu_per_create"
  | "guest_speed"
  | "scale_1"
  | "scale_10"
  | "scale_30"
  | "scale_60"
  | "scale"
  | "hostile_neighbour";

/** What is measured. `limit` and `aim` are for software emulation on two processors. */
interface Target {
  readonly what: string;
  readonly unit: "ms" | "s" | "MB" | "MB/s" | "lines/s" | "×" | "%";
  readonly limit: number | null;
  readonly aim: number | null;
  /** They are multiples of `host_import` of the same run, so that it does not matter how busy the machine is. */
  readonly isMultiple?: true;
}

const times = (what: string, limit: number, aim: number, unit: "ms" | "s" = "ms"): Target => ({
  ...{ what, unit, limit, aim, isMultiple: true },
});
const unlimited = (what: string, unit: Target["unit"]): Target => ({
  ...{ what, unit, limit: null, aim: null },
});

export const targets: Readonly<Record<BenchId, Target>> = {
  create_to_pandas: times("first create to first result, pandas imported", 0.4, 0.25),
  create_second: times("second create to first result, pandas imported", 0.3, 0.18),
  create_pooled: times("create to first result, from the pool", 0.04, 0.015),
  host_import: unlimited("host: python3 -c 'import numpy, pandas, matplotlib.pyplot'", "ms"),
  tti: times("create to the answer of `node -v`", 0.9, 0.6),
  cold_boot: unlimited("plain boot of the image until pandas is imported", "ms"),
  run_code: times("runCode('1+1')", 0.025, 0.012),
  run_code_javascript: times("runCode('1+1') in JavaScript", 0.025, 0.012),
  print_lines: {
    ...{ what: "10 000 printed lines, streamed", unit: "lines/s", limit: 5000, aim: 50_000 },
  },
  png_result: times("a PNG of 1 MB as a result", 0.8, 0.2),
  command: times("commands.run('true')", 0.045, 0.02),
  idle_memory: {
    ...{ what: "memory of an idle sandbox, one of 20 (PSS)", unit: "MB", limit: 60, aim: 35 },
  },
  idle_cpu: {
    ...{ what: "processor time of an idle sandbox, of one core", unit: "%", limit: 0.5, aim: 0.05 },
  },
  burst_20: times("20 creates at once, all answered", 6, 3, "s"),
  cpu_per_create: unlimited("processor time of each of them", "ms"),
  upload: { what: "upload of 64 MiB", unit: "MB/s", limit: 70, aim: 200 },
  download: { what: "download of 64 MiB", unit: "MB/s", limit: 70, aim: 200 },
  files_1000: times("1 000 files of 4 KB up, and down", 2, 0.7, "s"),
  workspace_first: {
    ...{ what: "create with a folder of 20 000 files, 500 MB", unit: "ms", limit: 3000, aim: 2000 },
  },
  workspace_second: {
    ...{ what: "create with the same folder again", unit: "ms", limit: 500, aim: 300 },
  },
  workspace_changes: {
    ...{ what: "its changes, after 100 edits", unit: "ms", limit: 500, aim: 250 },
  },
  workspace_git_status: unlimited("git status in it", "ms"),
  own_disk_git_status: unlimited("git status in a copy on the sandbox's own disk", "ms"),
  workspace_search: unlimited("grep -r in it", "ms"),
  own_disk_search: unlimited("grep -r in a copy on the sandbox's own disk", "ms"),
  volume_small_files: unlimited("a file of 4 KB in a volume, written or read inside", "ms"),
  volume_write: unlimited("16 MiB to a volume from inside, by the MiB", "MB/s"),
  channel_in: unlimited("64 MiB to a port inside", "MB/s"),
  channel_out: unlimited("64 MiB from a port inside", "MB/s"),
  gateway_up: unlimited("64 MiB from inside to a server", "MB/s"),
  gateway_down: unlimited("64 MiB from a server to inside", "MB/s"),
  pause: times("pause, 300 MiB touched", 0.6, 0.3),
  snapshot: times("snapshot, 300 MiB touched", 0.6, 0.3),
  checkpoint: times("another snapshot, 20 MiB changed since", 0.25, 0.1),
  rollback: unlimited("back to a checkpoint, 20 MiB changed since", "ms"),
  resume: times("resume until it answers, 300 MiB touched", 0.6, 0.3),
  guest_speed: {
    what: "programs inside, against the same on the host (geometric mean)",
    ...{ unit: "×", limit: null, aim: null },
  },
  scale_1: unlimited("create to first answer beside 1 idle sandbox", "ms"),
  scale_10: unlimited("the same beside 10", "ms"),
  scale_30: unlimited("the same beside 30", "ms"),
  scale_60: unlimited("the same beside 60", "ms"),
  scale: { what: "a create beside 60 against one beside 1", unit: "×", limit: 1.3, aim: 1 },
  hostile_neighbour: {
    what: "p99 of runCode('1+1') while a neighbour floods, against the same without",
    ...{ unit: "×", limit: 3, aim: 1.5 },
  },
};

export const benchIds: readonly BenchId[] = Object.keys(targets) as BenchId[];

export interface BenchResult {
  readonly id: BenchId;
  readonly unit: Target["unit"];
  /** `null` if it could not be measured. */
  readonly median: number | null;
  /** 95 % of the samples were at least this good. */
  readonly p95: number | null;
  /** How many samples there were. */
  readonly samples: number;
  /** It must not be worse than this, in `unit`; `null` if there is no limit, or if what it depends on was not measured. */
  readonly limit: number | null;
  readonly aim: number | null;
  /** Why it was not measured. */
  readonly reason?: string;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGB: number;
  readonly kernel: string;
  readonly qemu: string;
  /** Programs that wanted a processor in the minute before it began, on average. */
  readonly load: number;
}

export interface BenchReport {
  readonly machine: Machine;
  readonly accelerator: "kvm" | "tcg";
  readonly results: readonly BenchResult[];
}

/** `samples` are those of each id, and `reasons` say why there are none. */
export function summarize(
  samples: ReadonlyMap<BenchId, readonly number[]>,
  reasons: ReadonlyMap<BenchId, string>,
): BenchResult[] {
  const hostImport = at(0.5, "host_import", samples.get("host_import") ?? []);
  return benchIds
    .filter((id) => samples.has(id))
    .map((id) => resultOf(id, samples.get(id)!, hostImport, reasons.get(id)));
}

function resultOf(
  id: BenchId,
  samples: readonly number[],
  hostImport: number | null,
  reason: string | undefined,
): BenchResult {
  const { unit, limit, aim, isMultiple } = targets[id];
  const bound = (value: number | null): number | null => {
    if (value === null || !isMultiple) return value;
    return hostImport && round((value * hostImport) / (unit === "s" ? 1000 : 1));
  };
  return {
    ...{ id, unit, median: at(0.5, id, samples), p95: at(0.95, id, samples) },
    ...{ samples: samples.length, limit: bound(limit), aim: bound(aim) },
    ...(reason !== undefined && { reason }),
  };
}

/** What this share of the samples was at least as good as. */
function at(share: number, id: BenchId, samples: readonly number[]): number | null {
  const isHigherBetter = isBetterHigher(targets[id].unit);
  const sorted = samples.toSorted((a, b) => (isHigherBetter ? b - a : a - b));
  const value = sorted[Math.ceil(share * sorted.length) - 1];
  return value === undefined ? null : round(value);
}

export function isBetterHigher(unit: Target["unit"]): boolean {
  return unit.endsWith("/s");
}

/** Three significant digits are more than a benchmark can promise. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}
