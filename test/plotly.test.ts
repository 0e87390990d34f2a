import { expect, test } from "vitest";
import { createSandbox } from "./support/sandboxes.ts";

const CREATE = `
import numpy as np, pandas as pd, plotly.express as px, plotly.graph_objects as go
sales = pd.DataFrame({"day": list("abab"), "shop": list("xxyy"), "sold": [3, 5, 4, 1]})
n = np.random.default_rng(1).normal(size=200)
figures = {
    "scatter": px.scatter(sales, x="sold", y="sold", color="shop", size="sold", title="Sold"),
    "line": px.line(x=pd.date_range("2024-01-01", periods=30), y=range(30)),
    "bar": px.bar(sales, x="day", y="sold", color="shop", barmode="group"),
    "histogram": px.histogram(x=n),
    "pie": px.pie(sales, names="day", values="sold"),
    "box": px.box(sales, x="day", y="sold", color="shop"),
    "heatmap": go.Figure(go.Heatmap(z=[[1, 2], [3, 4]], x=["p", "q"])),
    "facets": px.scatter(sales, x="sold", y="sold", facet_col="shop"),
}
others = {
    "3d": go.Figure(go.Scatter3d(x=[1], y=[2], z=[3])),
    "violin": go.Figure(go.Violin(y=n)),
    "unknown attribute": go.Figure(go.Scatter(x=[1, 2], y=[1, 2], text=["a", "b"], mode="text")),
}
`;

test("code.plotly-picture: a picture beside the JSON, of a value and of show()", async () => {
  await using sandbox = await createSandbox({ timeoutMs: 3_600_000 });
  const run = async (code: string): Promise<{ png: string | undefined; json: unknown }[]> => {
    const { results, error } = await sandbox.runCode(code, { timeoutMs: 240_000 });
    expect(error?.traceback).toBe(undefined);
    return results.map(({ png, extra }) => ({
      png,
      json: extra?.["application/vnd.plotly.v1+json"],
    }));
  };
  await run(CREATE);
  for (const code of ["figures['bar']", "figures['bar'].show()"]) {
    const [shown, ...more] = await run(code);
    expect(more).toEqual([]);
    expect(shown?.json).toMatchObject({ data: [{ type: "bar" }, { type: "bar" }] });
    expect(sizeOf(shown?.png)).toEqual([700, 450]);
  }
  const drawn = await run("for figure in figures.values(): figure.show()");
  expect(drawn.map(({ png }) => sizeOf(png)[0])).toEqual(drawn.map(() => 700));
  expect(drawn).toHaveLength(8);
  for (const { png, json } of await run("for figure in others.values(): figure.show()")) {
    expect(png).toBe(undefined);
    expect(json).toMatchObject({ data: [{}] });
  }
  // Red, where the data says red.
  const red = await run("go.Figure(go.Bar(x=['a'], y=[1], marker_color='#ff0000'))");
  await sandbox.files.write("red.png", Buffer.from(red[0]!.png!, "base64"));
  const { text } = await sandbox.runCode(
    "from PIL import Image; Image.open('red.png').convert('RGB').getpixel((350, 300))",
  );
  expect(text).toBe("(255, 0, 0)");
});

/** Width and height of a PNG. */
function sizeOf(png: string | undefined): number[] {
  const picture = Buffer.from(png ?? "", "base64");
  expect(picture.toString("latin1", 1, 4)).toBe("PNG");
  return [picture.readUInt32BE(16), picture.readUInt32BE(20)];
}
