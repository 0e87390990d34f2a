import type { Chart, Sandbox } from "@emberbox/core";
import type { Harness } from "../harness.ts";

const imports = "import numpy as np, pandas as pd, matplotlib.pyplot as plt";

/** The chart that the code draws. */
async function chartOf(sandbox: Sandbox, code: string): Promise<Chart> {
  const { results, error } = await sandbox.runCode(`${imports}\n${code}\nplt.show()`);
  const found = results.find(({ chart }) => chart !== undefined);
  if (found?.png === undefined) throw new Error(error?.traceback ?? "There is no picture");
  return found.chart!;
}

export function describeCharts({ expect, behaviour }: Harness): void {
  behaviour("chart.line", async (sandbox) => {
    const code =
      "plt.plot([1, 2], [3, 4], label='cells')\nplt.title('Growth')\nplt.xlabel('Time (s)')\nplt.ylabel('Size [mm]')";
    expect(await chartOf(sandbox, code)).toMatchObject({
      type: "line",
      title: "Growth",
      x_label: "Time (s)",
      x_unit: "s",
      y_unit: "mm",
      x_scale: "linear",
      y_scale: "linear",
      elements: [
        {
          label: "cells",
          points: [
            [1, 3],
            [2, 4],
          ],
        },
      ],
    });
  });

  behaviour("chart.scatter", async (sandbox) => {
    const code =
      "import seaborn\nseaborn.scatterplot(data=pd.DataFrame({'x': [1, 2, 3], 'y': [4, 5, 6], 'kind': ['a', 'b', 'a']}), x='x', y='y', hue='kind')";
    expect(await chartOf(sandbox, code)).toMatchObject({
      type: "scatter",
      elements: [
        {
          label: "a",
          points: [
            [1, 4],
            [3, 6],
          ],
        },
        { label: "b", points: [[2, 5]] },
      ],
    });
  });

  behaviour("chart.bar", async (sandbox) => {
    const frame = "pd.DataFrame({'sold': [1, 2], 'left': [3, 4]}, index=['north', 'south'])";
    const elements = [
      { label: "north", group: "sold", value: 1 },
      { label: "south", group: "sold", value: 2 },
      { label: "north", group: "left", value: 3 },
      { label: "south", group: "left", value: 4 },
    ];
    const upright = await chartOf(sandbox, `${frame}.plot.bar()`);
    expect(upright).toMatchObject({ type: "bar", elements });
    const onSide = await chartOf(sandbox, `${frame}.plot.barh()\nplt.xlabel('pieces')`);
    expect(onSide).toMatchObject({ type: "bar", y_label: "pieces", elements });
  });

  behaviour("chart.pie", async (sandbox) => {
    expect(await chartOf(sandbox, "plt.pie([1, 3], labels=['a', 'b'])")).toMatchObject({
      type: "pie",
      elements: [
        { label: "a", angle: 90, radius: 1 },
        { label: "b", angle: 270, radius: 1 },
      ],
    });
  });

  behaviour("chart.box", async (sandbox) => {
    const code = "plt.boxplot([[1, 2, 3, 4, 5, 50]], labels=['a'])";
    expect(await chartOf(sandbox, code)).toMatchObject({
      type: "box_and_whisker",
      elements: [
        {
          label: "a",
          min: 1,
          first_quartile: 2.25,
          median: 3.5,
          third_quartile: 4.75,
          max: 5,
          outliers: [50],
        },
      ],
    });
  });

  behaviour("chart.several", async (sandbox) => {
    const code =
      "figure, (a, b) = plt.subplots(1, 2)\na.plot([1, 2])\nb.bar(['x', 'y'], [1, 2])\nfigure.suptitle('both')";
    expect(await chartOf(sandbox, code)).toMatchObject({
      type: "superchart",
      title: "both",
      elements: [{ type: "line" }, { type: "bar" }],
    });
  });

  behaviour("chart.unknown", async (sandbox) => {
    const chart = await chartOf(sandbox, "plt.imshow([[1, 2], [3, 4]])\nplt.title('heat')");
    expect(chart).toMatchObject({ type: "unknown", title: "heat" });
  });

  behaviour("chart.names", async (sandbox) => {
    const code =
      "plt.errorbar([1, 2], [3, 4], yerr=[0.1, 0.2], label='measured')\nplt.stem([1, 2], [3, 4], label='counted')";
    expect(await chartOf(sandbox, code)).toMatchObject({
      elements: [{ label: "measured" }, { label: "counted" }],
    });
    const grouped =
      "import seaborn\nseaborn.barplot(data=pd.DataFrame({'x': ['a', 'a'], 'y': [1, 2], 'kind': ['p', 'q']}), x='x', y='y', hue='kind')";
    expect(await chartOf(sandbox, grouped)).toMatchObject({
      type: "bar",
      elements: [{ group: "p" }, { group: "q" }],
    });
  });

  behaviour("chart.levels", async (sandbox) => {
    const bars = await chartOf(
      sandbox,
      "plt.bar(['a', 'b'], [1, 2], yerr=[0.1, 0.1])\nplt.axhline(1.5, label='mean')\nplt.axhline(0)",
    );
    const points = [
      ["a", 1.5],
      ["b", 1.5],
    ];
    expect(bars).toMatchObject({
      type: "superchart",
      elements: [{ type: "bar" }, { type: "line", elements: [{ label: "mean", points }] }],
    });
    const dots = await chartOf(sandbox, "plt.scatter([1, 3], [4, 6])\nplt.plot([1, 3], [5, 5])");
    expect(dots).toMatchObject({ elements: [{ type: "scatter" }, { type: "line" }] });
  });

  behaviour("chart.scales", async (sandbox) => {
    const dates =
      "plt.plot(pd.date_range('2024-01-01', periods=3), [1, 10, 100])\nplt.yscale('log')";
    const overTime = await chartOf(sandbox, dates);
    expect(overTime).toMatchObject({ x_scale: "datetime", y_scale: "log" });
    expect((overTime as Extract<Chart, { type: "line" }>).elements[0]?.points[0]).toEqual([
      "2024-01-01T00:00:00",
      1,
    ]);
    const names = await chartOf(sandbox, "plt.plot(['a', 'b'], [1, 2])\nplt.yscale('symlog')");
    expect(names).toMatchObject({ x_scale: "categorical", y_scale: "symlog" });
  });

  behaviour("chart.bounded", async (sandbox) => {
    const chart = await chartOf(sandbox, "plt.plot(np.arange(100_000))");
    const [line] = (chart as Extract<Chart, { type: "line" }>).elements;
    expect(line?.total_points).toBe(100_000);
    expect(line!.points.length).toBeLessThan(10_000);
    expect(line!.points.length).toBeGreaterThan(1000);
  });
}
