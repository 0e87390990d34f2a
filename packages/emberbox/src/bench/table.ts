import { type Earlier, ratioTo } from "./compare.ts";
import {
  type BenchId,
  type BenchReport,
  type BenchResult,
  isBetterHigher,
  targets,
} from "./results.ts";

/** More programs than this that wanted a processor, for each that there is, make a machine busy. */
const BUSY = 0.3;

/** The report as a Markdown table, with the machine it came from, beside an earlier run if there is one. */
export function formatTable(
  { machine, accelerator, results }: BenchReport,
  earlier?: Earlier,
): string {
  const hostImport = results.find(({ id }) => id === "host_import")?.median;
  const head = [
    "id",
    "what",
    "median",
    "p95",
    "to host_import",
    "samples",
    "limit",
    "aim",
    "",
    ...(earlier ? ["to earlier"] : []),
  ];
  const rows = results.map((result) => [
    result.id,
    targets[result.id].what,
    quantity(result.median, result.unit),
    quantity(result.p95, result.unit),
    multiple(result, hostImport),
    String(result.samples),
    bound(result.id, "limit"),
    bound(result.id, "aim"),
    verdict(result),
    ...(earlier ? [quantity(ratioTo(earlier, results, result.id) ?? null, "×")] : []),
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
  const { cpu, cores, memoryGB, kernel, qemu, load } = machine;
  if (load > BUSY * cores)
    notes.push(
      `The machine was busy before the benchmark began: ${load.toFixed(1)} programs wanted its ${cores} cores.`,
    );
  const where = `${cpu}, ${cores} cores, ${memoryGB} GB; Linux ${kernel}, QEMU ${qemu}, ${accelerator === "kvm" ? "KVM" : "software emulation (TCG)"}`;
  return [line(head), rule, ...rows.map(line), "", ...notes, where, ""].join("\n");
}

function quantity(value: number | null, unit: string): string {
  return value === null ? "-" : `${value} ${unit}`;
}

function multiple({ median, unit }: BenchResult, hostImport: number | null | undefined): string {
  const milliseconds = unit === "s" && median !== null ? median * 1000 : median;
  if (milliseconds === null || !hostImport || (unit !== "s" && unit !== "ms")) return "-";
  return `${(milliseconds / hostImport).toPrecision(2)} ×`;
}

/** As it is meant: as a multiple of the host's import, or in the unit that is measured. */
function bound(id: BenchId, which: "limit" | "aim"): string {
  const { unit, isMultiple, [which]: value } = targets[id];
  return quantity(value, isMultiple ? "×" : unit);
}

function verdict({ median, limit, aim, unit, samples }: BenchResult): string {
  if (samples === 0) return "not measured";
  if (median === null || limit === null || aim === null) return "";
  const meets = (bound: number): boolean =>
    isBetterHigher(unit) ? median >= bound : median <= bound;
  if (meets(aim)) return "aim met";
  return meets(limit) ? "limit met" : "LIMIT MISSED";
}
