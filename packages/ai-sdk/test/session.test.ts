import { setTimeout as sleep } from "node:timers/promises";
import { EmberboxError, type SandboxProvider } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { afterAll, describe, expect, test } from "vitest";
import { createSandboxSession } from "../src/session/index.ts";

const provider = microvm();
const session = createSandboxSession(provider);
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

const sh = async (command: string): Promise<string> => (await session.run({ command })).stdout;
const all = async (stream: ReadableStream<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};
const everyByte = Uint8Array.from({ length: 256 }, (_, at) => at);
const same = (error: unknown) => error;
const timesOut = () => AbortSignal.timeout(1500);

describe("files of a session", () => {
  test("bytes, text and streams come back as they were, for processes too", async () => {
    await session.writeBinaryFile({ path: "a/b/all.bin", content: everyByte });
    expect([...(await session.readBinaryFile({ path: "/home/user/a/b/all.bin" }))!]).toEqual([
      ...everyByte,
    ]);
    expect(await sh("cat a/b/all.bin | sha256sum")).toBe(await sh("sha256sum < a/b/all.bin"));
    const content = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(everyByte);
        controller.enqueue(everyByte);
        controller.close();
      },
    });
    await session.writeFile({ path: "a/c/../twice.bin", content });
    expect((await all((await session.readFile({ path: "a/twice.bin" }))!)).length).toBe(512);
    await session.writeTextFile({ path: "latin.txt", content: "é", encoding: "latin1" });
    expect(await sh("od -An -tx1 latin.txt")).toBe(" e9\n");
    expect(await session.readTextFile({ path: "latin.txt", encoding: "latin1" })).toBe("é");
    const rare = session.readTextFile({ path: "latin.txt", encoding: "klingon" });
    await expect(rare).rejects.toThrow("klingon");
  });

  test("lines keep their ends, and those after the last are not missed", async () => {
    await session.writeTextFile({ path: "lines.txt", content: "1\r\n2\r\n3\r\n" });
    const lines = (startLine?: number, endLine?: number) =>
      session.readTextFile({
        path: "lines.txt",
        ...(startLine !== undefined && { startLine }),
        ...(endLine !== undefined && { endLine }),
      });
    expect(await lines(2, 3)).toBe("2\r\n3");
    expect(await lines(3, 99)).toBe("3\r\n");
    expect(await lines(undefined, 1)).toBe("1");
    expect(await lines()).toBe("1\r\n2\r\n3\r\n");
  });

  test("what is not there is null, what is a directory is refused", async () => {
    const none = { path: "none/at/all" };
    expect(await session.readFile(none)).toBeNull();
    expect(await session.readBinaryFile(none)).toBeNull();
    expect(await session.readTextFile(none)).toBeNull();
    expect(await session.stat(none)).toBeNull();
    expect(await session.listDirectory(none)).toBeNull();
    expect(await session.deleteFile(none)).toBe(false);
    await expect(session.writeTextFile({ path: "/tmp", content: "x" })).rejects.toThrow();
    await expect(session.readTextFile({ path: "/tmp" })).rejects.toThrow("directory");
    await expect(session.deleteFile({ path: "/tmp" })).rejects.toThrow("directory");
    await expect(session.listDirectory({ path: "lines.txt" })).rejects.toThrow("directory");
    await expect(session.readTextFile({ path: "" })).rejects.toThrow("empty");
  });

  test("links are followed by `stat`, told by `listDirectory`, and deleted themselves", async () => {
    await sh(
      "mkdir -p l/dir; printf 12345 > l/file; cd l; ln -s file f; ln -s dir d; ln -s gone g; mkfifo p",
    );
    const stat = (name: string) => session.stat({ path: `l/${name}` });
    expect(await stat("f")).toEqual({ type: "file", size: 5 });
    expect(await stat("d")).toMatchObject({ type: "directory" });
    expect(await stat("g")).toBeNull();
    expect(await stat("p")).toMatchObject({ type: "other" });
    const entries = await session.listDirectory({ path: "l" });
    expect(entries!.map(({ name, type }) => `${name}:${type}`).toSorted()).toEqual([
      "d:symlink",
      "dir:directory",
      "f:symlink",
      "file:file",
      "g:symlink",
      "p:other",
    ]);
    for (const name of ["f", "d", "g"]) {
      expect(await session.deleteFile({ path: `l/${name}` })).toBe(true);
    }
    expect(await sh("ls l")).toBe("dir\nfile\np\n");
  });
});

describe("commands of a session", () => {
  test("a failing one is a result; directory and variables are those asked for", async () => {
    expect(await session.run({ command: "echo out; echo err >&2; exit 7" })).toEqual({
      exitCode: 7,
      stdout: "out\n",
      stderr: "err\n",
    });
    const env = { COLOUR: "green", HOME: "/tmp" };
    const command = "cd /; echo $COLOUR $HOME";
    expect((await session.run({ command, env })).stdout).toBe("green /tmp\n");
    await sh("mkdir -p w/x");
    const { stdout } = await session.run({ command: "pwd", workingDirectory: "w/x" });
    expect(stdout).toBe("/home/user/w/x\n");
    expect((await session.run({ command: "kill -9 $$" })).exitCode).toBe(137);
  });

  test("one that needs too much memory is a result, too", async () => {
    const hungry = "python3 -c 'x = bytearray(3 << 30); x[::4096] = b\"1\" * len(x[::4096])'";
    const { exitCode, stderr } = await session.run({ command: `echo begun; ${hungry}` });
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/memory|Killed/i);
  });

  test("an abort ends it, and nothing starts when it was aborted before", async () => {
    const abortSignal = timesOut();
    const running = await session.run({ command: "sleep 61.25", abortSignal }).catch(same);
    expect(running).toBe(abortSignal.reason);
    expect(await sh("ps -eo args | grep '[s]leep 61.25'")).toBe("");
    const late = AbortSignal.abort(new Error("no"));
    for (const call of [session.run, session.spawn]) {
      await expect(call({ command: "touch late", abortSignal: late })).rejects.toThrow("no");
    }
    const write = session.writeTextFile({ path: "late", content: "", abortSignal: late });
    await expect(write).rejects.toThrow("no");
    expect(await session.stat({ path: "late" })).toBeNull();
  });

  test("a process has streams of bytes, an end and an id", async () => {
    const child = await session.spawn({ command: "cat a/b/all.bin; echo err >&2; exit 3" });
    expect("stdin" in child).toBe(false);
    expect(child.pid).toBeGreaterThan(0);
    const [out, err, end] = await Promise.all([all(child.stdout), all(child.stderr), child.wait()]);
    expect([...out]).toEqual([...everyByte]);
    expect(String(err)).toBe("err\n");
    expect(end).toEqual({ exitCode: 3 });
  });

  test("waiting does not need a reader, who may come afterwards", async () => {
    const child = await session.spawn({ command: "head -c 3000000 /dev/zero; echo x >&2" });
    expect(await child.wait()).toEqual({ exitCode: 0 });
    expect((await all(child.stdout)).length).toBe(3_000_000);
    const loud = await session.spawn({ command: "head -c 12000000 /dev/zero; exit 5" });
    expect(await loud.wait()).toEqual({ exitCode: 5 });
    await expect(all(loud.stdout)).rejects.toThrow("the rest is lost");
    const slow = await session.spawn({ command: "head -c 10000000 /dev/zero" });
    let size = 0;
    for await (const chunk of slow.stdout) {
      if (size === 0) await sleep(1000);
      size += chunk.length;
    }
    expect(size).toBe(10_000_000);
  });

  test("standard input is bytes, too, and ends when it is closed", async () => {
    const child = await session.spawn({ command: "sha256sum", stdin: true });
    const writer = child.stdin.getWriter();
    await writer.write(everyByte);
    await writer.write(new Uint8Array(300_000));
    await writer.close();
    const sum = "{ cat a/b/all.bin; head -c 300000 /dev/zero; } | sha256sum";
    expect(String(await all(child.stdout))).toBe(await sh(sum));
    expect(await child.wait()).toEqual({ exitCode: 0 });
    const none = await session.spawn({ command: "cat" });
    expect(await none.wait()).toEqual({ exitCode: 0 });
  });

  test("a kill can be repeated; an abort rejects the wait with its reason", async () => {
    const killed = await session.spawn({ command: "sleep 61.5 & sleep 61.5" });
    await killed.kill();
    await killed.kill();
    expect((await killed.wait()).exitCode).toBe(137);
    const abortSignal = timesOut();
    const aborted = await session.spawn({ command: "echo on; sleep 61.75", abortSignal });
    expect(await aborted.wait().catch(same)).toBe(abortSignal.reason);
    expect(await all(aborted.stdout).catch(same)).toBe(abortSignal.reason);
    await expect.poll(() => sh("ps -eo args | grep '[s]leep 61'"), { timeout: 3000 }).toBe("");
  });
});

test("a sandbox that is gone is replaced, and the next command says so", async () => {
  await using mortal = createSandboxSession(provider);
  await mortal.writeTextFile({ path: "kept", content: "" });
  await provider.kill(mortal.sessions.sandboxId()!);
  expect((await mortal.run({ command: "ls" })).stderr).toContain("is gone");
  expect((await mortal.run({ command: "ls" })).stderr).toBe("");
});

test("what names places on the host stays with the developer", async () => {
  const heard: unknown[] = [];
  const missing = new EmberboxError("qemu_missing", "no QEMU below /secret/place");
  const failing: SandboxProvider = { ...provider, create: () => Promise.reject(missing) };
  await using broken = createSandboxSession(failing, { onError: (error) => heard.push(error) });
  const error = await broken.run({ command: "true" }).then(undefined, (thrown: Error) => thrown);
  expect(error).toMatchObject({ code: "qemu_missing" });
  expect(String(error)).not.toContain("/secret/place");
  expect(heard).toEqual([missing]);
});
