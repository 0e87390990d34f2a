import type { FilesystemEvent, Sandbox } from "@emberbox/core";
import { delay, until, type Harness } from "../harness.ts";

/** Watches an empty directory with that name, and collects what is seen in it. */
async function watch(
  sandbox: Sandbox,
  name: string,
  options: Parameters<Sandbox["files"]["watchDir"]>[2] = {},
): Promise<{ path: string; seen: FilesystemEvent[]; stop: () => Promise<void> }> {
  const path = `/tmp/watched/${name}`;
  await sandbox.files.makeDir(path);
  const seen: FilesystemEvent[] = [];
  const handle = await sandbox.files.watchDir(path, (event) => void seen.push(event), options);
  return { path, seen, stop: () => handle.stop() };
}
const texts = (seen: readonly FilesystemEvent[]): string[] =>
  seen.map(({ type, name }) => `${type} ${name}`);

export function describeWatching({ expect, behaviour, failure }: Harness): void {
  behaviour("files.watch", async (sandbox) => {
    const { path, seen, stop } = await watch(sandbox, "plain");
    await sandbox.commands.run(
      "echo a > one; chmod 600 one; mv one two; rm two; mkdir deep; touch deep/er",
      {
        cwd: path,
      },
    );
    await until(() => seen.some(({ name }) => name === "deep"));
    await stop();
    expect(texts(seen).filter((text, index, all) => text !== all[index - 1])).toEqual([
      "create one",
      "write one",
      "chmod one",
      "rename one",
      "create two",
      "remove two",
      "create deep",
    ]);
  });

  behaviour("files.watch-recursive", async (sandbox) => {
    const { path, seen, stop } = await watch(sandbox, "deep", { recursive: true });
    await sandbox.files.write(`${path}/new/er/file`, "text");
    await until(() => texts(seen).includes("write new/er/file"));
    await stop();
    for (const made of ["new", "new/er", "new/er/file"])
      expect(texts(seen)).toContain(`create ${made}`);
  });

  behaviour("files.watch-replaced", async (sandbox) => {
    const { path, seen, stop } = await watch(sandbox, "replaced", { recursive: true });
    const replace = (name: string): Promise<unknown> =>
      sandbox.commands.run(`echo new > /tmp/watched/new; mv /tmp/watched/new ${path}/${name}`);
    const told = (name: string): number =>
      texts(seen).filter((text) => text === `create ${name}`).length;
    await sandbox.commands.run("mkdir /tmp/moved; echo > /tmp/moved/file");
    await sandbox.commands.run(`mv /tmp/moved ${path}/moved`);
    await sandbox.files.write(`${path}/made/file`, "old");
    await until(() => told("moved/file") > 0 && told("made/file") > 0);
    for (const name of ["moved/file", "made/file"]) {
      const before = told(name);
      await replace(name);
      await until(() => told(name) > before);
    }
    await stop();
  });

  behaviour("files.watch-removed", async (sandbox) => {
    const { path, seen, stop } = await watch(sandbox, "removed");
    await sandbox.files.remove(path);
    await until(() => texts(seen).includes("remove ."));
    await stop();
  });

  behaviour("files.watch-entry", async (sandbox) => {
    const { path, seen, stop } = await watch(sandbox, "entries", { includeEntry: true });
    await sandbox.commands.run(
      "umask 077; printf 12345 > file; sleep 0.5; chmod 640 file; rm file",
      {
        cwd: path,
      },
    );
    await until(() => texts(seen).includes("remove file"));
    await stop();
    const entryOf = (type: string): object => ({
      ...seen.find((event) => event.type === type)?.entry,
    });
    expect(entryOf("write")).toMatchObject({ path: `${path}/file`, size: 5, mode: 0o600 });
    expect(entryOf("remove")).toEqual({});
  });

  behaviour("files.watch-stop", async (sandbox) => {
    const exits: unknown[] = [];
    const stopped = await watch(sandbox, "stopped", { onExit: (error) => void exits.push(error) });
    await stopped.stop();
    expect(exits).toEqual([undefined]);
    await sandbox.files.write(`${stopped.path}/late`, "");
    const limited = await watch(sandbox, "limited", {
      timeoutMs: 500,
      onExit: (error) => void exits.push((error as { code?: unknown } | undefined)?.code),
    });
    await until(() => exits.length === 2);
    expect(exits).toEqual([undefined, "timeout"]);
    await sandbox.files.write(`${limited.path}/late`, "");
    await delay(300);
    expect([stopped.seen, limited.seen]).toEqual([[], []]);
  });

  behaviour("files.watch-callback-throws", async (sandbox) => {
    const path = "/tmp/watched/throws";
    await sandbox.files.makeDir(path);
    const exits: unknown[] = [];
    const onExit = (error: unknown): void => void exits.push(error);
    const handle = await sandbox.files.watchDir(
      path,
      () => {
        throw "no more";
      },
      { onExit },
    );
    await sandbox.files.write(`${path}/one`, "1");
    await until(() => exits.length > 0);
    await handle.stop();
    expect(exits).toEqual(["no more"]);
  });

  behaviour("files.watch-not-found", async (sandbox) => {
    await failure(
      sandbox.files.watchDir("/tmp/nowhere", () => {}),
      "file_not_found",
    );
    await sandbox.files.write("/tmp/no-directory", "");
    await failure(
      sandbox.files.watchDir("/tmp/no-directory", () => {}),
      "invalid_argument",
    );
  });
}
