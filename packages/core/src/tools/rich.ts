import type { Chart } from "../interpreter/chart.ts";
import type { Result } from "../interpreter/execution.ts";
import type { ToolTable } from "./types.ts";

/** The most characters of all charts, and of all tables, as JSON. */
const MAX_CHARACTERS = 256 * 1024;

export function chartsOf(results: readonly Result[]): Chart[] {
  return withinLimit(results.flatMap(({ chart }) => chart ?? []));
}

export function tablesOf(results: readonly Result[]): ToolTable[] {
  return withinLimit(
    results.flatMap(({ data, dataRows }) =>
      data === undefined
        ? []
        : [{ columns: data, ...(dataRows !== undefined && { totalRows: dataRows }) }],
    ),
  );
}

function withinLimit<T>(values: readonly T[]): T[] {
  let characters = 0;
  return values.filter((value) => (characters += JSON.stringify(value).length) <= MAX_CHARACTERS);
}
