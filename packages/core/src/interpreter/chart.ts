import { z } from "zod";

/** How an axis scales its values, by matplotlib's names. */
type ChartScale =
  | "linear"
  | "log"
  | "symlog"
  | "logit"
  | "asinh"
  | "function"
  | "functionlog"
  | "datetime"
  | "categorical"
  | (string & {});

/** A number, a category, or a time as ISO 8601; `null` for a missing value. */
type ChartValue = number | string | null;

interface ChartBase<Type extends string, Element> {
  readonly type: Type;
  readonly title?: string | undefined;
  readonly elements: readonly Element[];
  /** Number of elements in the whole chart, when some were left out. */
  readonly total_elements?: number | undefined;
}

interface Chart2D<Type extends string, Element> extends ChartBase<Type, Element> {
  readonly x_label?: string | undefined;
  readonly y_label?: string | undefined;
  /** The part of the label in parentheses or brackets. */
  readonly x_unit?: string | undefined;
  readonly y_unit?: string | undefined;
}

interface PointData {
  readonly label: string;
  readonly points: readonly (readonly [ChartValue, ChartValue])[];
  /** Number of points in the whole series, when it was thinned out evenly. */
  readonly total_points?: number | undefined;
}

interface PointChart<Type extends string> extends Chart2D<Type, PointData> {
  readonly x_ticks: readonly ChartValue[];
  readonly x_tick_labels: readonly string[];
  readonly x_scale: ChartScale;
  readonly y_ticks: readonly ChartValue[];
  readonly y_tick_labels: readonly string[];
  readonly y_scale: ChartScale;
}

interface BarData {
  readonly label: string;
  /** Name of the series to which the bar belongs. */
  readonly group: string;
  readonly value: number | null;
}

interface PieData {
  readonly label: string;
  /** Degrees. */
  readonly angle: number | null;
  readonly radius: number | null;
}

interface BoxAndWhiskerData {
  readonly label: string;
  /** The ends of the whiskers; values beyond them are the outliers. */
  readonly min: number | null;
  readonly first_quartile: number | null;
  readonly median: number | null;
  readonly third_quartile: number | null;
  readonly max: number | null;
  readonly outliers: readonly (number | null)[];
}

type PlainChart =
  | PointChart<"line">
  | PointChart<"scatter">
  | Chart2D<"bar", BarData>
  | Chart2D<"box_and_whisker", BoxAndWhiskerData>
  | ChartBase<"pie", PieData>
  | Chart2D<"unknown", unknown>;

/**
 * What a figure shows, as data, in E2B's shapes. `type` discriminates; `superchart` is several charts in one figure,
 * and `unknown` is anything without a shape of its own. For horizontal bars or boxes, `x_label` is still the label of
 * the categories.
 */
export type Chart = PlainChart | ChartBase<"superchart", PlainChart>;

const text = z.string().optional();
const count = z.number().optional();
const number = z.number().nullable();
const value = z.union([z.number(), z.string(), z.null()]);
const base = { title: text, total_elements: count };
const flat = { ...base, x_label: text, y_label: text, x_unit: text, y_unit: text };
const pointFields = {
  ...flat,
  x_ticks: z.array(value),
  x_tick_labels: z.array(z.string()),
  x_scale: z.string(),
  y_ticks: z.array(value),
  y_tick_labels: z.array(z.string()),
  y_scale: z.string(),
  elements: z.array(
    z.object({
      label: z.string(),
      points: z.array(z.tuple([value, value])),
      total_points: count,
    }),
  ),
};
const bar = z.object({ label: z.string(), group: z.string(), value: number });
const wedge = z.object({ label: z.string(), angle: number, radius: number });
const box = z.object({
  label: z.string(),
  min: number,
  first_quartile: number,
  median: number,
  third_quartile: number,
  max: number,
  outliers: z.array(number),
});

const plainSchema = z.preprocess(
  withoutNulls,
  z.discriminatedUnion("type", [
    z.object({ type: z.literal("line"), ...pointFields }),
    z.object({ type: z.literal("scatter"), ...pointFields }),
    z.object({ type: z.literal("bar"), ...flat, elements: z.array(bar) }),
    z.object({ type: z.literal("box_and_whisker"), ...flat, elements: z.array(box) }),
    z.object({ type: z.literal("pie"), ...base, elements: z.array(wedge) }),
    z.object({ type: z.literal("unknown"), ...flat, elements: z.array(z.unknown()) }),
  ]),
);
const superSchema = z.object({
  type: z.literal("superchart"),
  ...base,
  elements: z.array(z.unknown()),
});

/** A chart as the sandbox sent it; anything that does not have a chart's shape becomes `unknown`. */
export function chartFrom(sent: unknown): Chart | undefined {
  if (sent === undefined || sent === null) return undefined;
  if (isLarge(sent)) return { type: "unknown", elements: [] };
  const several = superSchema.safeParse(withoutNulls(sent));
  if (!several.success) return plainFrom(sent);
  return { ...several.data, elements: several.data.elements.map(plainFrom) };
}

/** The most values in one chart; the sandbox thins out larger ones. */
const MAX_VALUES = 100_000;

function isLarge(sent: unknown): boolean {
  const open = [sent];
  let values = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== "object" || next === null) continue;
    const inner: unknown[] = Array.isArray(next) ? next : Object.values(next);
    values += inner.length;
    if (values > MAX_VALUES) return true;
    for (const each of inner) if (typeof each === "object" && each !== null) open.push(each);
  }
  return false;
}

function plainFrom(sent: unknown): PlainChart {
  const parsed = plainSchema.safeParse(sent);
  return parsed.success ? parsed.data : { type: "unknown", elements: [] };
}

/** E2B sends `null` for a missing title or label. */
function withoutNulls(sent: unknown): unknown {
  if (typeof sent !== "object" || sent === null) return sent;
  return Object.fromEntries(Object.entries(sent).filter(([, field]) => field !== null));
}
