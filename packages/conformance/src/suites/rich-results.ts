import { printed, type Harness } from "../harness.ts";

export function describeRichResults({ expect, behaviour }: Harness): void {
  behaviour("code.figure-once", async (sandbox) => {
    const { results } = await sandbox.runCode(
      "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()\naxes.plot([1, 2])\nfigure",
    );
    expect(results.map(({ png, isMainResult }) => [png !== undefined, isMainResult])).toEqual([
      [true, true],
    ]);
  });

  behaviour("code.data", async (sandbox) => {
    const { results } = await sandbox.runCode(
      "import pandas as pd\npd.DataFrame({'day': pd.to_datetime(['2024-01-01', None]), 'sold': [1.5, None], 'name': ['a', 'b']})",
    );
    expect(results[0]?.data).toEqual({
      day: ["2024-01-01T00:00:00", null],
      sold: [1.5, null],
      name: ["a", "b"],
    });
    const long = (await sandbox.runCode("pd.DataFrame({'n': range(100_000)})")).results[0]!;
    expect(long.dataRows).toBe(100_000);
    expect(long.data!["n"]!.length).toBeLessThan(100_000);
  });

  behaviour("code.large-result", async (sandbox) => {
    const { text, error } = await sandbox.runCode("'x' * 50_000_000");
    expect(error).toBe(undefined);
    expect(text).toContain("50.0 MB");
    const path = /saved in the sandbox as (\S+)\.$/.exec(text ?? "")?.[1] ?? "";
    const size = await sandbox.runCode(
      `import os\nprint(os.path.getsize(${JSON.stringify(path)}))`,
    );
    expect(printed(size)).toBe("50000000\n");
  });

  behaviour("code.plotly", async (sandbox) => {
    const { results } = await sandbox.runCode(
      "import plotly.graph_objects as go\ngo.Figure(go.Scatter(x=[1, 2], y=[3, 4]))",
    );
    const figure = results.flatMap(({ extra }) => extra?.["application/vnd.plotly.v1+json"] ?? []);
    expect(figure[0]).toMatchObject({ data: [{ x: [1, 2], y: [3, 4], type: "scatter" }] });
  });

  behaviour("code.files", async (sandbox) => {
    const context = await sandbox.createCodeContext();
    const options = { context, reportFiles: true };
    await sandbox.runCode("import os\nos.makedirs('made/below', exist_ok=True)\nos.chdir('made')", {
      context,
    });
    const made = await sandbox.runCode(write("a.csv", "1") + write("below/b.png", "12"), options);
    expect(made.files?.map(({ path }) => path.split("/made/")[1])).toEqual([
      "a.csv",
      "below/b.png",
    ]);
    expect(made.files?.map(({ size, mimeType, change }) => [size, mimeType, change])).toEqual([
      [1, "text/csv", "created"],
      [2, "image/png", "created"],
    ]);
    const changed = await sandbox.runCode(`${write("a.csv", "123")}1 / 0`, options);
    expect(changed.files?.map(({ size, change }) => [size, change])).toEqual([[3, "modified"]]);
    expect((await sandbox.runCode(write("a.csv", "1"), { context })).files).toBe(undefined);
    await sandbox.removeCodeContext(context);
  });

  behaviour("code.files-any-language", async (sandbox) => {
    for (const [language, writes] of Object.entries(WRITERS)) {
      const cwd = `reported-${language}`;
      await sandbox.files.write(`${cwd}/below/kept.txt`, "kept");
      const context = await sandbox.createCodeContext({ language, cwd });
      const code = `${writes("a.csv", "1")}${writes("below/b ü.png", "12")}${writes(".hidden", "x")}`;
      const made = await sandbox.runCode(code, { context, reportFiles: true });
      const shown = made.files?.map(({ path, size, mimeType, change }) => ({
        path: path.split(`${cwd}/`)[1],
        size,
        mimeType,
        change,
      }));
      expect(shown, language).toEqual([
        { path: "a.csv", size: 1, mimeType: "text/csv", change: "created" },
        { path: "below/b ü.png", size: 2, mimeType: "image/png", change: "created" },
      ]);
      const changed = await sandbox.runCode(writes("a.csv", "123"), { context, reportFiles: true });
      expect(
        changed.files?.map(({ size, change }) => [size, change]),
        language,
      ).toEqual([[3, "modified"]]);
      const none = await sandbox.runCode("1", { context, reportFiles: true });
      expect(none.files, language).toEqual([]);
      await sandbox.removeCodeContext(context);
    }
  });
}

const WRITERS: Readonly<Record<string, (name: string, text: string) => string>> = {
  javascript: (name, text) => `require("node:fs").writeFileSync("${name}", "${text}");\n`,
  typescript: (name, text) => `require("node:fs").writeFileSync("${name}" as string, "${text}");\n`,
  bash: (name, text) => `printf %s "${text}" > "${name}"\n`,
};

function write(name: string, text: string): string {
  return `open('${name}', 'w').write('${text}')\n`;
}
