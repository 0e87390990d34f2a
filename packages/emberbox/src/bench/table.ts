import { type BenchReport, type BenchResult, isBetterHigher, targets } from "./results.ts";

/** The report as a Markdown table, with the machine it came from. */
export function formatTable({ machine, accelerator, results }: BenchReport): string {
  const head = ["id", "what", "median", "p95", "samples", "limit", "aim", ""];
  const rows = results.map((result) => [
    result.id,
    targets[result.id].what,
    quantity(result.median, result.unit),
    quantity(result.p95, result.unit),
    String(result.samples),
    quantity(result.limit, result.unit),
    quantity(result.aim, result.unit),
    verdict(result),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  const notes = results.flatMap(({ id, reason }) =>
    reason === undefined ? [] : [`${id}: ${reason}`],
  );
  const { cpu, cores, memoryGB, kernel, qemu } = machine;
  const where = `${cpu}, ${cores} cores, ${memoryGB} GB; Linux ${kernel}, QEMU ${qemu}, ${accelerator === "kvm" ? "KVM" : "software emulation (TCG)"}`;
  return [line(head), rule, ...rows.map(line), "", ...notes, ...ratio(results), where, ""].join(
    "\n",
  );
}

function quantity(value: number | null, unit: string): string {
  return value === null ? "-" : `${value} ${unit}`;
}

function verdict({ median, limit, aim, unit, samples }: BenchResult): string {
  if (samples === 0) return "not measured";
  if (median === null || limit === null || aim === null) return "";
  const meets = (bound: number): boolean =>
    isBetterHigher(unit) ? median >= bound : median <= bound;
  if (meets(aim)) return "aim met";
  return meets(limit) ? "limit met" : "LIMIT MISSED";
}

const RATIO_LIMIT = 0.8;
const RATIO_AIM = 0.35;

/** The claim in one number: a fresh machine with pandas, compared with starting Python on the host. */
function ratio(results: readonly BenchResult[]): string[] {
  const median = (id: BenchResult["id"]): number | null | undefined =>
    results.find((result) => result.id === id)?.median;
  const [sandbox, host] = [median("create_to_pandas"), median("host_import")];
  if (!sandbox || !host) return [];
  return [
    `create_to_pandas is ${(sandbox / host).toFixed(2)} × host_import (limit ${RATIO_LIMIT}, aim ${RATIO_AIM})`,
  ];
}
