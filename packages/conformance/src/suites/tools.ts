import type { ToolHarness } from "../tool-harness.ts";

/** What the tools do when all is well. */
export function describeToolCalls({ expect, behaviour }: ToolHarness): void {
  behaviour("tools.run-code", async ({ call }) => {
    const first = await call("run_code", { code: "kept = 40\nprint('out')\nkept + 2" });
    expect(first.isError).toBe(false);
    expect(first.text).toMatch(/out[\s\S]*42/);
    expect((await call("run_code", { language: "python", code: "kept + 3" })).text).toContain("43");
  });

  behaviour("tools.languages", async ({ call }) => {
    const run = async (language: string, code: string) =>
      (await call("run_code", { language, code })).text;
    expect(await run("javascript", "[1, 2, 3].map((n) => n * 7)")).toContain("21");
    expect(await run("typescript", "const n: number = 6; n * 7")).toContain("42");
    expect(await run("bash", "echo $((6 * 7))")).toContain("42");
    const unknown = await call("run_code", { language: "cobol", code: "1" });
    expect(unknown.isError).toBe(true);
    expect(unknown.text).toMatch(/cobol.*python/);
  });

  behaviour("tools.run-command", async ({ call }) => {
    const good = await call("run_command", { command: "pwd; echo bad >&2", cwd: "/tmp" });
    expect(good.isError).toBe(false);
    expect(good.text).toMatch(/stdout:\n\/tmp[\s\S]*stderr:\nbad[\s\S]*exit code: 0/);
    const bad = await call("run_command", { command: "exit 7" });
    expect(bad.isError).toBe(true);
    expect(bad.text).toContain("exit code: 7");
  });

  behaviour("tools.files", async ({ call }) => {
    const path = "deep/er/notes.txt";
    const content = "eins\r\nzwei\r\ndrei 日本\r\n";
    expect((await call("write_file", { path, content })).isError).toBe(false);
    const edit = { path, old_string: "eins\nzwei", new_string: "one\ntwo" };
    expect((await call("edit_file", edit)).isError).toBe(false);
    const { text } = await call("run_command", { command: `cat ${path} | od -c | head -1` });
    expect(text).toMatch(/o {3}n {3}e {2}\\r {2}\\n/);
    const lines = { path, offset: 2, limit: 1, line_numbers: true };
    expect((await call("read_file", lines)).text).toMatch(/^2\ttwo\n\n\(Lines 2 to 2/);
    expect((await call("read_file", { path })).text).toContain("drei 日本");
    expect((await call("list_files", { path: "deep", depth: 2 })).text).toContain("er/notes.txt (");
    const several = await call("edit_file", { path, old_string: "o", new_string: "0" });
    expect(several.isError).toBe(true);
    expect(several.text).toContain("multiple");
    const all = { path, old_string: "o", new_string: "0", replace_all: true };
    expect((await call("edit_file", all)).text).toContain("2 places");
  });

  behaviour("tools.line-ends", async ({ call }) => {
    const path = "mixed.txt";
    await call("write_file", { path, content: "one\r\ntwo\nthree\r\n" });
    const edit = async (old_string: string, new_string: string): Promise<string> => {
      const { isError } = await call("edit_file", { path, old_string, new_string });
      expect(isError).toBe(false);
      return (await call("run_command", { command: `od -An -c ${path} | tr -d ' \\n'` })).text;
    };
    expect(await edit("one\ntwo\nthree", "one\nTWO\nthree")).toContain(
      "one\\r\\nTWO\\nthree\\r\\n",
    );
    expect(await edit("three", "3\n4")).toContain("TWO\\n3\\r\\n4\\r\\n");
  });

  behaviour("tools.presentable", async ({ call }) => {
    const files =
      "printf 'caf\\351 1\\n' > latin-1.txt; : > empty.txt; printf '\\n\\n' > blank.txt; " +
      "printf '\\211PNG\\r\\n\\032\\n' > cut.png; printf 'a\\0b'";
    expect((await call("run_command", { command: files })).text).toContain("a␀b");
    const read = async (path: string) => call("read_file", { path });
    expect((await read("latin-1.txt")).text).toMatch(/^caf\ufffd 1\n\n\(Bytes that are not UTF-8/);
    const edit = { path: "latin-1.txt", old_string: "1", new_string: "é" };
    expect((await call("edit_file", edit)).isError).toBe(false);
    const { text } = await call("run_command", { command: "od -An -c latin-1.txt" });
    expect(text).toMatch(/c {3}a {3}f 351 +303 251/);
    for (const path of ["empty.txt", "blank.txt"])
      expect((await read(path)).text.trim() === "").toBe(false);
    const cut = await read("cut.png");
    expect(cut.text).toContain("damaged");
    expect(cut.pictures.length).toBe(0);
    expect((await call("run_code", { code: "print()" })).text.trim() === "").toBe(false);
  });

  behaviour("tools.as-models-write", async ({ call }) => {
    const said = async (tool: "run_code" | "run_command" | "list_files", input: object) =>
      (await call(tool, input)).text;
    expect(await said("run_command", { command: ["echo", "it's", "$HOME"] })).toContain(
      "it's $HOME",
    );
    expect(await said("run_command", { cmd: "echo named", timeout_ms: 0 })).toContain("named");
    expect(await said("run_code", { code: "```python\n6 * 7\n```" })).toContain("42");
    expect(await said("run_code", { code: "```bash\necho $((6 * 8))\n```" })).toContain("48");
    expect(await said("run_code", { arguments: { code: "6 * 9" } })).toContain("54");
    expect(await said("list_files", { path: "/", depth: 0, limit: 0 })).toContain("etc/");
  });

  behaviour("tools.progress-bars", async ({ call }) => {
    const command = "seq -f '%g of 5000' 5000 | tr '\\n' '\\r'; echo; echo done";
    const { text } = await call("run_command", { command });
    expect(text).toMatch(/\n5000 of 5000\r?\ndone\n/);
    expect(text.length).toBeLessThan(300);
  });

  behaviour("tools.picture", async ({ call }) => {
    const code =
      "import matplotlib.pyplot as plt\nplt.plot([1, 4, 9])\nplt.savefig('plot.png')\nplt.show()";
    const drawn = await call("run_code", { code });
    expect(drawn.pictures.length).toBe(1);
    expect(drawn.pictures[0]!.mimeType).toBe("image/png");
    expect(drawn.pictures[0]!.base64.slice(0, 8)).toBe("iVBORw0K");
    expect(drawn.text.includes(drawn.pictures[0]!.base64.slice(0, 50))).toBe(false);
    const read = await call("read_file", { path: "plot.png" });
    expect(read.pictures[0]!.base64.slice(0, 8)).toBe("iVBORw0K");
  });

  behaviour("tools.streamed", async ({ call }) => {
    const came: number[] = [];
    const onOutput = (): void => void came.push(Date.now());
    await call("run_command", { command: "echo a; sleep 3; echo b" }, { onOutput });
    expect(came.length).toBeGreaterThan(1);
    expect(came.at(-1)! - came[0]!).toBeGreaterThan(1500);
  });

  behaviour("tools.in-order", async ({ call }) => {
    const add = (word: string, seconds: number) =>
      call("run_command", { command: `sleep ${seconds}; echo ${word} >> order.txt` });
    const slow = add("first", 3);
    const quick = add("second", 0);
    const read = call("list_files", { path: "/etc", limit: 1 }).then(() => "read");
    expect(await Promise.race([read, slow, quick])).toBe("read");
    await Promise.all([slow, quick]);
    expect((await call("read_file", { path: "order.txt" })).text).toBe("first\nsecond");
  });

  behaviour("tools.threads", async ({ call }) => {
    const put = (threadId: string) =>
      call("write_file", { path: "mine.txt", content: threadId }, { threadId });
    const get = async (threadId: string) =>
      (await call("read_file", { path: "mine.txt" }, { threadId })).text;
    await Promise.all([put("a"), put("b")]);
    expect(await get("a")).toBe("a");
    expect(await get("b")).toBe("b");
  });
}
