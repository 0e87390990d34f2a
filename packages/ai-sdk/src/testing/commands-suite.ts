import { describe, expect, test } from "vitest";
import { everyByte, readAll, type SessionSubject } from "./subject.ts";

const thrown = (error: unknown): unknown => error;
const soon = (): AbortSignal => AbortSignal.timeout(1500);

export function testCommands(session: () => SessionSubject): void {
  const sh = async (command: string): Promise<string> => (await session().run({ command })).stdout;

  describe("commands", () => {
    test("one that fails is a result; its directory and variables are those asked for", async () => {
      expect(await session().run({ command: "echo out; echo err >&2; exit 7" })).toEqual({
        exitCode: 7,
        stdout: "out\n",
        stderr: "err\n",
      });
      const env = { COLOUR: "green", HOME: "/tmp" };
      const { stdout } = await session().run({ command: "cd /; echo $COLOUR $HOME", env });
      expect(stdout).toBe("green /tmp\n");
      const start = await sh("mkdir -p w/x; pwd");
      const inside = await session().run({ command: "pwd", workingDirectory: "w/x" });
      expect(inside.stdout).toBe(`${start.trimEnd()}/w/x\n`);
      expect(await sh("pwd")).toBe(start);
    });

    test("an abort ends one, and nothing starts when it was aborted before", async () => {
      const abortSignal = soon();
      const running = await session()
        .run({ command: "sleep 61.25", abortSignal })
        .then(undefined, thrown);
      expect(running).toBe(abortSignal.reason);
      await expect.poll(() => sh("ps -eo args | grep '[s]leep 61.25'"), { timeout: 3000 }).toBe("");
      const late = AbortSignal.abort(new Error("no"));
      const command = "touch late";
      await expect(session().run({ command, abortSignal: late })).rejects.toThrow("no");
      await expect(session().spawn({ command, abortSignal: late })).rejects.toThrow("no");
      const write = session().writeTextFile({ path: "late", content: "", abortSignal: late });
      await expect(write).rejects.toThrow("no");
      expect(await session().stat({ path: "late" })).toBeNull();
    });

    test("a process has streams of bytes and an end, with nobody reading too", async () => {
      await session().writeBinaryFile({ path: "spawned.bin", content: everyByte });
      const child = await session().spawn({ command: "cat spawned.bin; echo err >&2; exit 3" });
      expect("stdin" in child).toBe(false);
      const ends = [readAll(child.stdout), readAll(child.stderr), child.wait()] as const;
      const [out, err, end] = await Promise.all(ends);
      expect(out).toEqual(everyByte);
      expect(new TextDecoder().decode(err)).toBe("err\n");
      expect(end).toEqual({ exitCode: 3 });
      const unread = await session().spawn({ command: "head -c 3000000 /dev/zero" });
      expect(await unread.wait()).toEqual({ exitCode: 0 });
    });

    test("standard input is bytes, too, and ends when it is closed", async () => {
      const child = await session().spawn({ command: "wc -c", stdin: true });
      const writer = child.stdin.getWriter();
      await writer.write(everyByte);
      await writer.write(new Uint8Array(300_000));
      await writer.close();
      expect(new TextDecoder().decode(await readAll(child.stdout)).trim()).toBe("300256");
      expect(await child.wait()).toEqual({ exitCode: 0 });
      const none = await session().spawn({ command: "cat" });
      expect(await none.wait()).toEqual({ exitCode: 0 });
    });

    test("a kill can be repeated; an abort rejects the wait with its reason", async () => {
      const killed = await session().spawn({ command: "sleep 61.5 & sleep 61.5" });
      await killed.kill();
      await killed.kill();
      expect((await killed.wait()).exitCode).not.toBe(0);
      const abortSignal = soon();
      const aborted = await session().spawn({ command: "echo on; sleep 61.75", abortSignal });
      expect(await aborted.wait().then(undefined, thrown)).toBe(abortSignal.reason);
      await expect.poll(() => sh("ps -eo args | grep '[s]leep 61'"), { timeout: 3000 }).toBe("");
    });
  });
}
