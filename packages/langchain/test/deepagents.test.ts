import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { microvm } from "@emberbox/microvm";
import { createDeepAgent } from "deepagents";
import { afterAll, describe, expect, test } from "vitest";
import { createSandboxBackend } from "../src/deepagents/index.ts";

const provider = microvm();
const backend = createSandboxBackend(provider, { timeoutMs: 20_000, maxOutputBytes: 100_000 });
afterAll(async () => {
  await backend[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const names = (files: readonly { path: string }[] | undefined): string[] =>
  (files ?? []).map(({ path }) => path).toSorted();

describe("the protocol, as the standard tests for sandboxes have it", () => {
  test("execute", async () => {
    expect(backend.id).not.toBe("");
    expect(await backend.execute("echo hi")).toEqual({
      output: "hi\n",
      exitCode: 0,
      truncated: false,
    });
    expect((await backend.execute("exit 42")).exitCode).toBe(42);
    expect((await backend.execute("echo a; echo b >&2; echo c")).output).toBe("a\nb\nc\n");
    expect((await backend.execute("export A=1 && echo $A")).output.trim()).toBe("1");
    expect((await backend.execute("no-such-command-here")).exitCode).toBe(127);
    expect((await backend.execute("if")).output).toContain("syntax error");
  });

  test("write and read", async () => {
    const roundTrip = async (path: string, content: string): Promise<void> => {
      expect(await backend.write(path, content)).toMatchObject({ path });
      expect((await backend.readRaw(path)).data?.content).toBe(content);
    };
    await roundTrip("/tmp/w/deep/er/new.txt", "first");
    await roundTrip("/tmp/w/deep/er/new.txt", "$VAR `tick` \ttab \\ 日本");
    await roundTrip("/tmp/w/with space.txt", "");
    await roundTrip("/tmp/w//double.txt", "\n\n\n\n\n");
    expect((await backend.execute("wc -l < /tmp/w/double.txt")).output.trim()).toBe("5");

    const lines = Array.from({ length: 1000 }, (_, at) => `line ${at + 1}`).join("\n");
    await backend.write("/tmp/w/lines.txt", lines);
    expect(await backend.read("/tmp/w/lines.txt", 500, 2)).toEqual({
      content: "line 501\nline 502",
      mimeType: "text/plain",
      startLine: 501,
      endLine: 502,
      nextOffset: 502,
    });
    expect(await backend.read("/tmp/w/lines.txt", 998, 5)).toMatchObject({
      content: "line 999\nline 1000",
      totalLines: 1000,
    });
    expect((await backend.read("/tmp/w/lines.txt", 0, 0)).content).toBe("");
    expect((await backend.read("/tmp/w/lines.txt", 1000, 5)).content).toBe("");
    expect((await backend.read("/tmp/w/lines.txt", 5000, 5)).content).toBe("");
    expect((await backend.read("/tmp/w/with space.txt")).error).toBeUndefined();
    expect((await backend.read("/tmp/w/none.txt")).error).toContain("not found");
  });

  test("edit", async () => {
    const path = "/tmp/e/file.txt";
    const edited = async (content: string, from: string, to: string, all?: boolean) => {
      await backend.write(path, content);
      const { occurrences, error } = await backend.edit(path, from, to, all);
      return [occurrences ?? error, (await backend.readRaw(path)).data?.content];
    };
    expect(await edited("a b", "b", "$& [c]*")).toEqual([1, "a $& [c]*"]);
    expect(await edited("x x x", "x", "y", true)).toEqual([3, "y y y"]);
    expect(await edited("x x", "x", "y")).toEqual([expect.stringContaining("multiple"), "x x"]);
    expect(await edited("a\r\nb", "\r\n", "\n")).toEqual([1, "a\nb"]);
    expect(await edited("one 日本 two", "日本 ", "")).toEqual([1, "one two"]);
    expect(await edited("same", "same", "same")).toEqual([1, "same"]);
    expect(await edited("abc", "z", "y")).toEqual([expect.stringContaining("not found"), "abc"]);
    expect((await backend.edit("/tmp/e/none", "a", "b")).error).toContain("not found");
  });

  test("ls", async () => {
    await backend.execute(
      "mkdir -p /tmp/l/sub /tmp/l/empty; touch '/tmp/l/a b(1).txt' /tmp/l/.dot",
    );
    const { files } = await backend.ls("/tmp/l/");
    expect(names(files)).toEqual([
      "/tmp/l/.dot",
      "/tmp/l/a b(1).txt",
      "/tmp/l/empty/",
      "/tmp/l/sub/",
    ]);
    expect(files?.find(({ path }) => path === "/tmp/l/sub/")?.is_dir).toBe(true);
    expect(await backend.ls("/tmp/l/empty")).toEqual({ files: [] });
    expect(await backend.ls("/tmp/none")).toEqual({ files: [] });
  });

  test("grep", async () => {
    await backend.write("/tmp/g/a.txt", "one\nTwo $100 [a-z]*\none 日本\n");
    await backend.write("/tmp/g/sub/b.md", `${"\n".repeat(49)}one\n`);
    const found = async (text: string, filter?: string): Promise<string[]> =>
      ((await backend.grep(text, "/tmp/g", filter)).matches ?? [])
        .map(({ path, line, text }) => `${path}:${line}:${text}`)
        .toSorted();
    const inText = ["/tmp/g/a.txt:1:one", "/tmp/g/a.txt:3:one 日本"];
    expect(await found("one")).toEqual([...inText, "/tmp/g/sub/b.md:50:one"]);
    expect(await found("one", "*.txt")).toEqual(inText);
    expect(await found("one", "sub/*.md")).toEqual(["/tmp/g/sub/b.md:50:one"]);
    expect(await found("$100 [a-z]*")).toEqual(["/tmp/g/a.txt:2:Two $100 [a-z]*"]);
    expect(await found("two")).toEqual([]);
    expect((await backend.grep("one", "/tmp/g/a.txt")).matches?.length).toBe(2);
  });

  test("glob", async () => {
    await backend.execute(
      "mkdir -p /tmp/q/a/b/c /tmp/q/dir; cd /tmp/q; touch f1.txt f2.txt fA.txt f10.txt x.py .hid a/b/c/deep.txt",
    );
    const found = async (pattern: string): Promise<string[]> =>
      names((await backend.glob(pattern, "/tmp/q")).files);
    expect(await found("*.txt")).toEqual(["f1.txt", "f10.txt", "f2.txt", "fA.txt"]);
    expect(await found("**/deep.txt")).toEqual(["a/b/c/deep.txt"]);
    expect(await found("**/*.txt")).toContain("f1.txt");
    expect(await found("*.rs")).toEqual([]);
    expect(await found("*")).toContain("dir");
    expect(await found(".*")).toEqual([".hid"]);
    expect(await found("f[1-2].txt")).toEqual(["f1.txt", "f2.txt"]);
    expect(await found("f?.txt")).toEqual(["f1.txt", "f2.txt", "fA.txt"]);
    expect(await found("*.{py,md}")).toEqual(["x.py"]);
    expect(await found("f[!1]*.txt")).toEqual(["f2.txt", "fA.txt"]);
  });

  test("delete, upload and download", async () => {
    await backend.execute("mkdir -p /tmp/d/sub; touch /tmp/d/sub/x");
    expect(await backend.delete("/tmp/d")).toMatchObject({ path: "/tmp/d" });
    expect((await backend.delete("/tmp/d")).error).toContain("not found");
    const all = Uint8Array.from({ length: 256 }, (_, at) => at);
    const uploaded = await backend.uploadFiles([
      ["/tmp/u/a.bin", all],
      ["/tmp/u/b.txt", bytes(65)],
    ]);
    expect(uploaded.map(({ error }) => error)).toEqual([null, null]);
    const downloaded = await backend.downloadFiles(["/tmp/u/a.bin", "/tmp/u/none", "/tmp/u"]);
    expect(Buffer.from(downloaded[0]!.content!).equals(all)).toBe(true);
    expect(downloaded.map(({ error }) => error)).toEqual([null, "file_not_found", "is_directory"]);
  });
});

describe("what the standard tests leave out", () => {
  test("a command that runs for too long is stopped, with its output", async () => {
    const impatient = createSandboxBackend(backend.sessions, { timeoutMs: 1500 });
    const { output, exitCode } = await impatient.execute("echo begun; sleep 60.375");
    expect(exitCode).toBe(124);
    expect(output).toMatch(/^begun\n[\s\S]*did not end within 1.5 seconds/);
    expect((await backend.execute("ps -eo args | grep '[s]leep 60.375'")).output).toBe("");
  });

  test("long output is cut, and says so", async () => {
    const { output, truncated } = await backend.execute("seq 100000");
    expect(truncated).toBe(true);
    expect(output.length).toBeLessThan(100_001);
    expect(output).toMatch(/^1\n2\n[\s\S]*bytes left out[\s\S]*99999\n100000\n$/);
  });

  test("bytes that are not text, and names that are odd, survive", async () => {
    await backend.uploadFiles([
      ["/tmp/o/latin.txt", bytes(0xef, 0xbb, 0xbf, 0xe9, 0x20, 0x61)],
      ["/tmp/o/data", bytes(0, 1, 2, 255)],
    ]);
    expect(await backend.edit("/tmp/o/latin.txt", "a", "b")).toMatchObject({ occurrences: 1 });
    const [latin] = await backend.downloadFiles(["/tmp/o/latin.txt"]);
    expect([...latin!.content!]).toEqual([0xef, 0xbb, 0xbf, 0xe9, 0x20, 0x62]);
    const data = await backend.read("/tmp/o/data");
    expect(data.mimeType).toBe("application/octet-stream");
    expect([...(data.content as Uint8Array)]).toEqual([0, 1, 2, 255]);
    await backend.write("/tmp/o/not-base64.png", "words");
    expect((await backend.read("/tmp/o/not-base64.png")).content).toBe("words");

    await backend.write("/tmp/o/a:b:1.txt", "needle");
    await backend.write("/tmp/o/new\nline.txt", "needle");
    const { matches } = await backend.grep("needle", "/tmp/o");
    expect(names(matches)).toEqual(["/tmp/o/a:b:1.txt", "/tmp/o/new\nline.txt"]);
    expect(names((await backend.ls("/tmp/o")).files)).toContain("/tmp/o/new\nline.txt");
    expect(names((await backend.glob("new*", "/tmp/o")).files)).toEqual(["new\nline.txt"]);
    expect((await backend.read("/tmp/o")).error).toContain("is a directory");
    expect(await backend.grep("needle", "/tmp/o", null, 1)).toMatchObject({ truncated: true });
    expect((await backend.grep("needle", "/nowhere")).error).toContain("not found");
  });

  test("places where the user may not write are written as root", async () => {
    expect(await backend.write("/large_tool_results/x.txt", "kept")).toMatchObject({
      path: "/large_tool_results/x.txt",
    });
    expect((await backend.read("/large_tool_results/x.txt")).content).toBe("kept");
    expect(await backend.edit("/large_tool_results/x.txt", "kept", "ed")).toMatchObject({
      occurrences: 1,
    });
    expect((await backend.delete("/large_tool_results")).error).toBeUndefined();
  });

  test("a sandbox that is gone is replaced, and the agent hears of it", async () => {
    await using mortal = createSandboxBackend(provider);
    await mortal.execute("touch kept");
    await provider.kill(mortal.sessions.sandboxId()!);
    expect((await mortal.read("/home/user/kept")).error).toMatch(/not found[\s\S]*is gone/);
    expect((await mortal.execute("ls")).output).toContain("is gone");
    expect((await mortal.execute("ls")).output).toBe("");
  });
});

const call = (name: string, args: Record<string, unknown>, id: string) => ({ name, args, id });

const script = () =>
  fakeModel()
    .respondWithTools([
      call("write_file", { file_path: "/home/user/a.sh", content: "echo from a; exit 3" }, "1"),
    ])
    .respondWithTools([
      call("execute", { command: "bash a.sh; ls -a /home/user | grep -c txt" }, "2"),
    ])
    .respondWithTools([call("execute", { command: "bash a.sh" }, "3")])
    .respond(new AIMessage("done"));

describe("a deep agent", () => {
  test("works with files and commands, streams output, keeps threads apart", async () => {
    const run = async (thread_id: string) => {
      const agent = createDeepAgent({ model: script(), backend });
      const events: unknown[] = [];
      let results: ToolMessage[] = [];
      const stream = await agent.stream(
        { messages: [{ role: "user", content: "go" }] },
        { streamMode: ["tools", "values"], configurable: { thread_id } },
      );
      for await (const [mode, chunk] of stream) {
        if (mode === "tools") events.push(chunk);
        else {
          const { messages } = chunk as unknown as { messages: ToolMessage[] };
          results = messages.filter((message) => ToolMessage.isInstance(message));
        }
      }
      return { events, results };
    };
    const { events, results } = await run("one");
    expect(results.map(({ text }) => text)[2]).toMatch(/from a[\s\S]*failed with exit code 3/);
    expect(events).toContainEqual(
      expect.objectContaining({ event: "on_tool_event", toolCallId: "3", data: "from a\n" }),
    );
    expect(backend.sessions.sandboxId("one")).toBeDefined();
    expect(backend.sessions.sandboxId("one")).not.toBe(backend.sessions.sandboxId());
    await backend.sessions.close("one");
  });

  test("stops the command in the machine when its run is aborted", async () => {
    const model = fakeModel()
      .respondWithTools([{ name: "execute", args: { command: "sleep 60.625" }, id: "1" }])
      .respond(new AIMessage("done"));
    const agent = createDeepAgent({ model, backend });
    const controller = new AbortController();
    const running = agent.invoke(
      { messages: [{ role: "user", content: "go" }] },
      { signal: controller.signal },
    );
    const runs = async () => (await backend.execute("ps -eo args | grep '[s]leep 60.625'")).output;
    await expect.poll(runs, { timeout: 20_000 }).toContain("sleep");
    const at = Date.now();
    controller.abort();
    await expect(running).rejects.toThrow();
    expect(Date.now() - at).toBeLessThan(1000);
    await expect.poll(runs, { timeout: 5000 }).toBe("");
  });
});
