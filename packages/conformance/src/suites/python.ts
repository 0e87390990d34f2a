import type { Execution, Sandbox } from "@emberbox/core";
import { printed, type Harness } from "../harness.ts";

/** What Python's cells do beyond what all languages do. */
export function describePython({ expect, behaviour }: Harness): void {
  /** Runs cells one after another; the last one's execution. */
  async function run(sandbox: Sandbox, ...cells: readonly string[]): Promise<Execution> {
    let last: Execution | undefined;
    for (const cell of cells) {
      last = await sandbox.runCode(cell);
      expect(last.error?.traceback, cell).toBe(undefined);
    }
    return last!;
  }

  behaviour("python.event-loop", async (sandbox) => {
    const context = await sandbox.createCodeContext();
    const inFresh = async (code: string): Promise<string | undefined> => {
      const { text, error } = await sandbox.runCode(code, { context });
      expect(error?.traceback, code).toBe(undefined);
      return text;
    };
    const work = "import asyncio\nasync def work():\n    await asyncio.sleep(0)\n    return 5\n";
    expect(await inFresh(`${work}asyncio.get_event_loop().run_until_complete(work())`)).toBe("5");
    await inFresh("seen = []\nasync def tick():\n    seen.append(1)");
    await inFresh("task = asyncio.create_task(tick())");
    await inFresh("other = asyncio.ensure_future(tick())");
    expect(await inFresh("await asyncio.gather(task, other)\nseen")).toBe("[1, 1]");
    expect(await inFresh("asyncio.run(work())")).toBe("5");
    expect(await inFresh("asyncio.get_event_loop().run_until_complete(work())")).toBe("5");
    expect(await inFresh("asyncio.get_running_loop().is_running()")).toBe("True");
    const either =
      "try: asyncio.get_running_loop()\nexcept RuntimeError: given = asyncio.run(work())\ngiven";
    expect(await inFresh(either)).toBe("5");
    await inFresh("import nest_asyncio\nnest_asyncio.apply()");
    expect(await inFresh("async def outer(): return asyncio.run(work())\nawait outer()")).toBe("5");
    await inFresh("last = asyncio.create_task(tick())");
    expect(await inFresh("await last\nlen(seen)")).toBe("3");
    await sandbox.removeCodeContext(context);
  });

  behaviour("python.magics", async (sandbox) => {
    const kept = await run(sandbox, "%%bash --out kept\necho a\necho b", "kept == 'a\\nb\\n'");
    expect(kept.text).toBe("True");
    const long = "%%bash\nhead -c 100000 /dev/zero | tr '\\0' x\nprintf '\\377\\n'";
    const { logs } = await run(sandbox, long);
    expect(logs.stdout.join("") === `${"x".repeat(100_000)}\uFFFD\n`).toBe(true);
    expect(logs.stderr).toEqual([]);
    expect(printed(await run(sandbox, `!printf '\\377%s' ${"y".repeat(20_000)}`)).length).toBe(
      20_001,
    );
    expect((await run(sandbox, "lines = !printf 'a\\n\\377'\nlines[1]")).text).toBe("\uFFFD");
    const captured = "%%capture captured\n!echo shell\nprint('python')";
    expect((await run(sandbox, captured, "captured.stdout == 'shell\\npython\\n'")).text).toBe(
      "True",
    );
    const figure = "import matplotlib.pyplot as plt\nplt.plot([1]);";
    const ran = await run(sandbox, figure, "%%writefile ran.py\nprint(3)", "%run ran.py");
    expect([printed(ran), ran.results]).toEqual(["3\n", []]);
  });

  behaviour("python.displays", async (sandbox) => {
    const heard: (string | undefined)[] = [];
    const { results } = await sandbox.runCode(
      "shown = display(0, display_id=True)\nfor number in range(1, 301): shown.update(number)\ndisplay('after')",
      { onResult: ({ text }) => heard.push(text) },
    );
    expect(results.map(({ text }) => text)).toEqual(["300", "after"]);
    expect([heard[0], heard.at(-2), heard.at(-1)]).toEqual(["0", "300", "after"]);
    // One that cannot be sent costs no other, and not the kernel.
    const broken = await sandbox.runCode(
      "class Broken:\n    def __str__(self): 1 / 0\nother = display('other', display_id=True)\nother.update({Broken(): ''}, raw=True)",
    );
    expect(broken.error?.name).toBe("ZeroDivisionError");
    expect(broken.results.map(({ text }) => text)).toEqual(["other"]);
    const later = await run(sandbox, "shown.update('later')\nshown.update('last')");
    expect(later.results.map(({ text }) => text)).toEqual(["last"]);
    const cleared = await run(
      sandbox,
      "from IPython.display import clear_output\nfor number in range(300):\n    clear_output(wait=True)\n    display(number)",
    );
    expect(cleared.results.map(({ text }) => text)).toEqual(["299"]);
  });

  behaviour("python.print", async (sandbox) => {
    const { logs } = await run(
      sandbox,
      "import time\nfor number in range(100):\n    print(number, 'x')\n    time.sleep(0.003)",
    );
    expect(logs.stdout.filter((piece) => !piece.endsWith("x\n"))).toEqual([]);
  });

  behaviour("python.text", async (sandbox) => {
    const texts: Readonly<Record<string, string>> = {
      "'plain'": "plain",
      "'a\\nb'": "a\\nb",
      '"it\'s"': '"it\'s"',
      "type('Arrow', (), {'__repr__': lambda self: \"'a' -> 'b'\"})()": "'a' -> 'b'",
      "import numpy\nnumpy.mean([1, 3])": "2.0",
      "[numpy.float32(0.1), numpy.int64(3), numpy.bool_(True), numpy.str_('a'), 1e20 * numpy.pi]":
        "[0.1, 3, True, 'a', 3.1415926535897933e+20]",
      "%precision 3\nnumpy.pi * numpy.float64(1)": "3.142",
      "%precision\nnumpy.float64(0.1)": "0.1",
    };
    for (const [code, text] of Object.entries(texts))
      expect((await run(sandbox, code)).text, code).toBe(text);
  });

  behaviour("python.exact-values", async (sandbox) => {
    const table = await run(
      sandbox,
      "import pandas as pd\npd.DataFrame({'took': pd.to_timedelta(['1d', None]), 'id': [2**53 - 1, 2**60]})",
    );
    expect(table.results[0]?.data).toEqual({
      took: ["1 days 00:00:00", null],
      id: [Number.MAX_SAFE_INTEGER, "1152921504606846976"],
    });
    const json = await run(sandbox, "from IPython.display import JSON\nJSON({'id': -2**60})");
    expect(json.results[0]?.json).toEqual({ id: "-1152921504606846976" });
  });

  behaviour("python.pictures", async (sandbox) => {
    const pictures = async (...cells: readonly string[]): Promise<number> =>
      (await run(sandbox, ...cells)).results.filter(({ png }) => png !== undefined).length;
    const image = "from PIL import Image\nimage = Image.new('RGB', (9, 9))\n";
    expect(await pictures(`${image}image.save('saved.png')`)).toBe(1);
    expect(await pictures("image.show()")).toBe(1);
    expect(await pictures("import io\nimage.save(io.BytesIO(), 'PNG')")).toBe(0);
    const plot = "plt.plot([1, 2])\nplt.savefig('plotted.png')\nplt.show()";
    const imports = "import matplotlib\nimport matplotlib.pyplot as plt";
    expect(await pictures(imports, `matplotlib.use('Agg')\n${plot}`, plot)).toBe(1);
    const window = await run(sandbox, `matplotlib.use('TkAgg')\n${plot}`);
    expect(window.logs.stderr.join("")).toContain("TkAgg cannot open windows");
    expect(window.results.length).toBe(1);
  });
}
