import { readFile } from "node:fs/promises";
import { EmberboxError } from "@emberbox/core";
import { type BenchId, type BenchResult, targets } from "./results.ts";

/** Medians of an earlier run. */
export type Earlier = ReadonlyMap<string, number>;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const isMedian = (entry: unknown[]): entry is [string, number] =>
  typeof entry[0] === "string" && typeof entry[1] === "number" && entry[1] > 0;

/** Reads what `emberbox bench --json` printed. @throws `invalid_argument` */
export async function readEarlier(path: string): Promise<Earlier> {
  const wrong = (reason: string, cause: unknown): EmberboxError =>
    new EmberboxError("invalid_argument", `${path} ${reason}`, { cause });
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw wrong(`cannot be read: ${(error as Error).message}`, error);
  }
  try {
    const report: unknown = JSON.parse(text);
    if (!isRecord(report) || !Array.isArray(report["results"])) throw new Error("no results");
    const medians = report["results"].filter(isRecord).map(({ id, median }) => [id, median]);
    return new Map(medians.filter(isMedian));
  } catch (error) {
    throw wrong("is not what `emberbox bench --json` printed", error);
  }
}

/**
 * A result as a multiple of the earlier one. Durations are compared as multiples of `host_import` of their run, where
 * both have it, so that it does not matter how busy the machine was.
 */
export function ratioTo(
  earlier: Earlier,
  results: readonly BenchResult[],
  id: BenchId,
): number | undefined {
  const then = earlier.get(id);
  const now = results.find((result) => result.id === id)?.median;
  if (then === undefined || now === undefined || now === null) return undefined;
  const hostThen = earlier.get("host_import");
  const hostNow = results.find((result) => result.id === "host_import")?.median;
  const speed = targets[id].isMultiple && hostThen && hostNow ? hostThen / hostNow : 1;
  return Number(((now / then) * speed).toPrecision(2));
}
