export type BenchId =
  | "create_to_pandas"
  | "host_import"
  | "tti"
  | "create_pooled"
  | "cold_boot"
  | "run_code"
  | "run_code_javascript"
  | "print_lines"
  | "png_result"
  | "command"
  | "idle_memory"
  | "burst_20"
  | "upload"
  | "download"
  | "channel_in"
  | "channel_out"
  | "gateway_up"
  | "gateway_down"
  | "pause"
  | "snapshot"
  | "resume"
  | "hostile_neighbour";

/** What is measured. `limit` and `aim` are for software emulation on two processors. */
interface Target {
  readonly what: string;
  readonly unit: "ms" | "s" | "MB" | "MB/s" | "lines/s" | "×";
  readonly limit: number | null;
  readonly aim: number | null;
}

export const targets: Readonly<Record<BenchId, Target>> = {
  create_to_pandas: {
    what: "create to first result, pandas imported",
    unit: "ms",
    limit: 400,
    aim: 200,
  },
  host_import: {
    what: "host: python3 -c 'import numpy, pandas, matplotlib.pyplot'",
    unit: "ms",
    limit: null,
    aim: null,
  },
  tti: { what: "create to the answer of `node -v`", unit: "ms", limit: null, aim: null },
  create_pooled: { what: "create to first result, from the pool", unit: "ms", limit: 60, aim: 15 },
  cold_boot: {
    what: "plain boot of the image until pandas is imported",
    unit: "ms",
    limit: null,
    aim: null,
  },
  run_code: { what: "runCode('1+1')", unit: "ms", limit: 80, aim: 15 },
  run_code_javascript: { what: "runCode('1+1') in JavaScript", unit: "ms", limit: 80, aim: 15 },
  print_lines: {
    what: "10 000 printed lines, streamed",
    unit: "lines/s",
    limit: 5000,
    aim: 50_000,
  },
  png_result: { what: "a PNG of 1 MB as a result", unit: "ms", limit: 400, aim: 100 },
  command: { what: "commands.run('true')", unit: "ms", limit: 100, aim: 40 },
  idle_memory: {
    what: "memory of an idle sandbox, one of four (PSS)",
    unit: "MB",
    limit: 128,
    aim: 64,
  },
  burst_20: { what: "20 creates at once, all answered", unit: "s", limit: 10, aim: 4 },
  upload: { what: "upload of 64 MiB", unit: "MB/s", limit: 8, aim: 40 },
  download: { what: "download of 64 MiB", unit: "MB/s", limit: 8, aim: 40 },
  channel_in: { what: "64 MiB to a port inside", unit: "MB/s", limit: null, aim: null },
  channel_out: { what: "64 MiB from a port inside", unit: "MB/s", limit: null, aim: null },
  gateway_up: { what: "64 MiB from inside to a server", unit: "MB/s", limit: null, aim: null },
  gateway_down: { what: "64 MiB from a server to inside", unit: "MB/s", limit: null, aim: null },
  pause: { what: "pause, 300 MiB touched", unit: "ms", limit: 2000, aim: 500 },
  snapshot: { what: "snapshot, 300 MiB touched", unit: "ms", limit: 2000, aim: 500 },
  resume: {
    what: "resume until it answers, 300 MiB touched",
    unit: "ms",
    limit: 400,
    aim: 200,
  },
  hostile_neighbour: {
    what: "p99 of runCode('1+1') while a neighbour floods, against the same without",
    unit: "×",
    limit: 3,
    aim: 1.5,
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
  /** It must not be worse than this; `null` if there is no limit. */
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
}

export interface BenchReport {
  readonly machine: Machine;
  readonly accelerator: "kvm" | "tcg";
  readonly results: readonly BenchResult[];
}

export function summarize(id: BenchId, samples: readonly number[], reason?: string): BenchResult {
  const { unit, limit, aim } = targets[id];
  const sorted = samples.toSorted((a, b) => (isBetterHigher(unit) ? b - a : a - b));
  const at = (share: number): number | null => {
    const value = sorted[Math.ceil(share * sorted.length) - 1];
    return value === undefined ? null : round(value);
  };
  return {
    id,
    unit,
    median: at(0.5),
    p95: at(0.95),
    samples: sorted.length,
    limit,
    aim,
    ...(reason !== undefined && { reason }),
  };
}

export function isBetterHigher(unit: Target["unit"]): boolean {
  return unit.endsWith("/s");
}

/** Three significant digits are more than a benchmark can promise. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}
