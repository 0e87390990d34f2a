import type { SandboxBackendProtocolV2 } from "deepagents";
import { beforeAll, describe, expect, test } from "vitest";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const names = (files: readonly { path: string }[] | undefined): string[] =>
  (files ?? []).map(({ path }) => path).toSorted();

/**
 * Registers the tests of a deepagents sandbox backend with vitest: what the framework's own standard tests demand of
 * any backend. They run commands of a POSIX shell, and write below `/tmp`.
 */
export function describeSandboxBackend(
  name: string,
  create: () => SandboxBackendProtocolV2 | Promise<SandboxBackendProtocolV2>,
): void {
  describe(`a sandbox backend: ${name}`, () => {
    let backend: Required<SandboxBackendProtocolV2>;
    beforeAll(async () => {
      backend = (await create()) as Required<SandboxBackendProtocolV2>;
    });

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
      // Some models refuse a result without text.
      expect((await backend.read("/tmp/w/with space.txt")).content).toContain("empty");
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
      expect(await edited("a\r\nb\nc\r\n", "a\nb\nc", "a\nB\nc")).toEqual([1, "a\r\nB\nc\r\n"]);
      expect(await edited("a\r\nb\r\n", "b", "1\n2")).toEqual([1, "a\r\n1\r\n2\r\n"]);
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
      expect(downloaded.map(({ error }) => error)).toEqual([
        null,
        "file_not_found",
        "is_directory",
      ]);
    });
  });
}
