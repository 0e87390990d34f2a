import { describe, expect, test } from "vitest";
import { everyByte, readAll, type SessionSubject } from "./subject.ts";

export function testFiles(session: () => SessionSubject): void {
  const sh = async (command: string): Promise<string> => (await session().run({ command })).stdout;

  describe("files", () => {
    test("bytes, text and streams come back as they were, for processes too", async () => {
      await session().writeBinaryFile({ path: "bytes/a/all.bin", content: everyByte });
      const absolute = `${(await sh("pwd")).trimEnd()}/bytes/a/all.bin`;
      expect(await session().readBinaryFile({ path: absolute })).toEqual(everyByte);
      expect((await sh("wc -c < bytes/a/all.bin")).trim()).toBe("256");
      const content = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(everyByte);
          controller.enqueue(everyByte);
          controller.close();
        },
      });
      await session().writeFile({ path: "bytes/b/twice.bin", content });
      const read = await session().readFile({ path: "bytes/b/twice.bin" });
      expect(await readAll(read!)).toHaveLength(512);
      await session().writeTextFile({ path: "bytes/text", content: "first" });
      await session().writeTextFile({ path: "bytes/text", content: "é" });
      expect(await session().readTextFile({ path: "bytes/text" })).toBe("é");
      await sh("printf fromshell > bytes/text");
      expect(await session().readTextFile({ path: "bytes/text" })).toBe("fromshell");
    });

    test("a part of the lines: from one, with both ends, and with their line ends", async () => {
      const path = "lines.txt";
      await session().writeTextFile({ path, content: "1\r\n2\r\n3\r\n" });
      expect(await session().readTextFile({ path, startLine: 2, endLine: 3 })).toBe("2\r\n3");
      expect(await session().readTextFile({ path, startLine: 3, endLine: 99 })).toBe("3\r\n");
      expect(await session().readTextFile({ path, endLine: 1 })).toBe("1");
    });

    test("what is not there is null, what is a directory is refused", async () => {
      const path = "none/at/all";
      expect(await session().readFile({ path })).toBeNull();
      expect(await session().readBinaryFile({ path })).toBeNull();
      expect(await session().readTextFile({ path })).toBeNull();
      expect(await session().stat({ path })).toBeNull();
      expect(await session().listDirectory({ path })).toBeNull();
      expect(await session().deleteFile({ path })).toBe(false);
      await sh("mkdir -p folder; printf x > plain");
      const folder = { path: "folder" };
      await expect(session().writeTextFile({ ...folder, content: "x" })).rejects.toThrow();
      await expect(session().deleteFile(folder)).rejects.toThrow();
      await expect(session().listDirectory({ path: "plain" })).rejects.toThrow();
    });

    test("links are followed by `stat`, told by `listDirectory`, and deleted themselves", async () => {
      await sh(
        "mkdir -p l/dir; printf 12345 > l/file; cd l; ln -s file f; ln -s dir d; ln -s gone g; mkfifo p",
      );
      const stat = (name: string) => session().stat({ path: `l/${name}` });
      expect(await stat("f")).toEqual({ type: "file", size: 5 });
      expect(await stat("d")).toMatchObject({ type: "directory" });
      expect(await stat("g")).toBeNull();
      expect(await stat("p")).toMatchObject({ type: "other" });
      const entries = await session().listDirectory({ path: "l" });
      expect(entries!.map(({ name, type }) => `${name}:${type}`).toSorted()).toEqual([
        "d:symlink",
        "dir:directory",
        "f:symlink",
        "file:file",
        "g:symlink",
        "p:other",
      ]);
      for (const name of ["f", "d", "g"])
        expect(await session().deleteFile({ path: `l/${name}` })).toBe(true);
      expect(await sh("ls l")).toBe("dir\nfile\np\n");
    });
  });
}
