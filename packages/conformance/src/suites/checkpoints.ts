import { EmberboxError, Sandbox } from "@emberbox/core";
import { printed, type Harness } from "../harness.ts";

export function describeCheckpoints(harness: Harness): void {
  const { expect, behaviour, failure, provider, create } = harness;

  behaviour("checkpoint.rollback", async () => {
    await using sandbox = await create();
    await sandbox.runCode("import os; kept = [1]; open('kept.txt', 'w').write('one')");
    const server = await sandbox.commands.run("python3 -m http.server 8123", { background: true });
    await sandbox.commands.run("until curl -s -o /dev/null localhost:8123; do sleep 0.2; done");
    const { text: kernel } = await sandbox.runCode("os.getpid()");
    const { checkpointId } = await sandbox.checkpoint({ label: "begin", by: "conformance" });

    await sandbox.commands.run(`kill ${server.pid}; rm kept.txt; touch later.txt`);
    await sandbox.runCode("kept.append('later')");
    const { checkpoint, undone } = await sandbox.rollback(checkpointId);
    expect([checkpoint.checkpointId, checkpoint.current, undone]).toEqual([checkpointId, true, []]);
    const { text } = await sandbox.runCode("(kept, os.getpid(), open('kept.txt').read())");
    expect(text).toBe(`([1], ${kernel}, 'one')`);
    expect(await sandbox.files.exists("later.txt")).toBe(false);
    const { stdout } = await sandbox.commands.run("curl -s localhost:8123/kept.txt");
    expect(stdout).toBe("one");
    // As often as one likes.
    await sandbox.runCode("kept.append('later')");
    await sandbox.rollback(checkpointId);
    expect((await sandbox.runCode("kept")).text).toBe("[1]");
  });

  behaviour("checkpoint.calls", async (sandbox) => {
    const { checkpointId } = await sandbox.checkpoint();
    const going = Promise.withResolvers<void>();
    const running = failure(
      sandbox.runCode("import os, time\nos.write(1, b'going\\n')\ntime.sleep(60)", {
        onStdout: () => going.resolve(),
      }),
      "rolled_back",
    );
    const begun = Promise.withResolvers<void>();
    const command = await sandbox.commands.run("echo begun; sleep 60", {
      background: true,
      onStdout: () => begun.resolve(),
    });
    const commanded = failure(command.wait(), "rolled_back");
    const terminal = await sandbox.pty.create({ cols: 80, rows: 24, onData: () => {} });
    const typed = failure(terminal.wait(), "rolled_back");
    const watched = Promise.withResolvers<unknown>();
    await sandbox.files.watchDir(".", () => {}, { onExit: watched.resolve });
    await Promise.all([going.promise, begun.promise]);
    await sandbox.rollback(checkpointId);
    expect(printed((await running).details["execution"] as never)).toBe("going\n");
    expect((await commanded).details).toMatchObject({ stdout: "begun\n" });
    await typed;
    expect(await watched.promise).toMatchObject({ code: "rolled_back" });
    expect((await sandbox.runCode("1 + 1")).text).toBe("2");
    expect((await sandbox.commands.run("echo on")).stdout).toBe("on\n");
  });

  behaviour("checkpoint.history", async () => {
    await using sandbox = await create();
    const first = await sandbox.checkpoint({ label: "first" });
    await sandbox.runCode("step = 2");
    const second = await sandbox.checkpoint({ label: "second", by: "somebody" });
    await sandbox.rollback(first.checkpointId);
    await sandbox.runCode("step = 3");
    const third = await sandbox.checkpoint({ label: "third" });
    const tree = (await sandbox.history()).map((each) => {
      const { label, parentId, by, current } = each;
      return [label, parentId, by, current];
    });
    expect(tree).toEqual([
      ["first", undefined, undefined, undefined],
      ["second", first.checkpointId, "somebody", undefined],
      ["third", first.checkpointId, undefined, true],
    ]);
    // Back, forth, and to the other branch.
    const { undone } = await sandbox.rollback(second.checkpointId);
    expect(undone.map(({ label }) => label)).toEqual(["third"]);
    expect((await sandbox.runCode("step")).text).toBe("2");
    // Those after one that is deleted stay usable.
    expect(await sandbox.deleteCheckpoint(first.checkpointId)).toBe(true);
    expect(await sandbox.deleteCheckpoint(first.checkpointId)).toBe(false);
    await failure(sandbox.rollback(first.checkpointId), "checkpoint_not_found");
    await sandbox.rollback(third.checkpointId);
    expect((await sandbox.runCode("step")).text).toBe("3");
    // Limits count from the newest on.
    await sandbox.runCode("step = 4");
    await sandbox.checkpoint({ label: "fourth", keep: { last: 2 } });
    const left = await sandbox.history();
    expect(left.map(({ label }) => label)).toEqual(["third", "fourth"]);
    await failure(sandbox.checkpoint({ label: "\u001b[2J" }), "invalid_argument");
    await failure(sandbox.rollback("../up"), "invalid_argument");
    await sandbox.kill();
    expect(await Sandbox.history(sandbox.sandboxId, { provider: provider() })).toEqual([]);
  });

  behaviour("checkpoint.unchanged", async (sandbox) => {
    await sandbox.files.write("a.txt", "one");
    const first = await sandbox.checkpoint();
    await sandbox.files.write("a.txt", "two");
    expect((await sandbox.checkpoint()).checkpointId === first.checkpointId).toBe(false);
    await sandbox.commands.run("(sleep 1; echo three > a.txt) > /dev/null 2>&1 &");
    const second = await sandbox.checkpoint();
    await sandbox.commands.run("sleep 2");
    expect((await sandbox.checkpoint()).checkpointId === second.checkpointId).toBe(false);
  });

  behaviour("checkpoint.branch", async (sandbox) => {
    await sandbox.runCode("begun = 42");
    const { checkpointId } = await sandbox.checkpoint();
    await sandbox.runCode("begun = 43");
    const made = await sandbox.branch(checkpointId, { count: 2 });
    const failed = made.find((each) => each instanceof EmberboxError);
    if (failed) throw failed;
    const branches = made as Sandbox[];
    expect(new Set([sandbox, ...branches].map((each) => each.sandboxId)).size).toBe(3);
    const drawn = new Set<string | undefined>();
    for (const branch of branches) {
      const { text } = await branch.runCode("import secrets; print(secrets.token_hex()); begun");
      expect(text).toBe("42");
      drawn.add((await branch.runCode("secrets.token_hex()")).text);
      await branch.runCode("begun = 44");
      expect(await branch.history()).toEqual([]);
      await branch.kill();
    }
    expect(drawn.size).toBe(2);
    expect((await sandbox.runCode("begun")).text).toBe("43");
    await failure(sandbox.branch(checkpointId, { count: 0 }), "invalid_argument");
    await failure(sandbox.branch("cnone"), "checkpoint_not_found");
  });

  behaviour("checkpoint.changes", async () => {
    await using sandbox = await create();
    await sandbox.runCode("step = 1; gone = 'x'; numbers = list(range(10_000))");
    await sandbox.files.write("same.txt", "same");
    await sandbox.files.write("changed.txt", "one");
    await sandbox.files.write("removed.txt", "one");
    const { checkpointId } = await sandbox.checkpoint();
    await sandbox.runCode("step = 2; del gone; new = {'a': 1}; numbers[5000] = 0");
    await sandbox.commands.run(
      "printf same > same.txt; printf two > changed.txt; rm removed.txt; printf three > added.txt",
    );
    const { files, variables, truncated } = await sandbox.changesBetween(checkpointId, "now");
    const ours = files.filter(({ path }) => path.endsWith(".txt"));
    expect(ours.map(({ path, change }) => [path.split("/").at(-1), change])).toEqual([
      ["added.txt", "added"],
      ["changed.txt", "changed"],
      ["removed.txt", "removed"],
    ]);
    expect(variables?.map(({ name, change }) => [name, change])).toEqual([
      ["gone", "removed"],
      ["new", "added"],
      ["numbers", "changed"],
      ["step", "changed"],
    ]);
    expect(variables!.at(-1)).toMatchObject({
      before: { type: "int", text: "1" },
      after: { type: "int", text: "2" },
    });
    expect(truncated).toBe(false);
    // The comparison leaves nothing.
    expect((await sandbox.history()).map((each) => each.checkpointId)).toEqual([checkpointId]);
    expect((await sandbox.runCode("step")).text).toBe("2");
  });
}
