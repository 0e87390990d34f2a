import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, milliseconds } from "./group.ts";

const DIRECTORIES = 200;
const FILES = 100;
const GUEST = "/home/user/repo";

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return milliseconds(started);
}

/** Once it has run, so that what it reads is in memory. */
async function status({ commands }: Sandbox, cwd: string): Promise<number> {
  const run = (): Promise<unknown> => commands.run("git status --short", { cwd, timeoutMs: 0 });
  await run();
  return timed(run);
}

/** A repository of 20 000 files and 500 MB. */
function makeRepository(): string {
  const host = mkdtempSync(join(tmpdir(), "emberbox-bench-repo-"));
  for (let directory = 0; directory < DIRECTORIES; directory++) {
    mkdirSync(join(host, `d${directory}`));
    for (let file = 0; file < FILES; file++) {
      const text = Buffer.alloc(
        ((directory + file) % 50) * 1000 + 500,
        `line ${directory} ${file}\n`,
      );
      writeFileSync(join(host, `d${directory}`, `file-${file}.ts`), text);
    }
  }
  const git = (...args: string[]): void =>
    void execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: host });
  git("init", "--quiet");
  git("add", ".");
  git("commit", "--quiet", "--message", "all");
  return host;
}

export const workspace: GroupPlan = {
  ids: [
    "workspace_first",
    "workspace_second",
    "workspace_changes",
    "workspace_git_status",
    "own_disk_git_status",
  ],
  rounds: 1,
  warmUp: 0,
  async begin() {
    const provider = microvm({ standby: false });
    const host = makeRepository();
    const create = (): Promise<Sandbox> =>
      Sandbox.create({ provider, workspace: { host, guest: GUEST }, timeoutMs: 3_600_000 });
    let sandbox: Sandbox | undefined;
    const opened = async (): Promise<Sandbox> => (sandbox ??= await create());
    return {
      samplers: {
        async workspace_first() {
          await (await Sandbox.create({ provider })).kill();
          return timed(async () => (sandbox = await create()));
        },
        async workspace_second() {
          await opened();
          let another: Sandbox | undefined;
          const taken = await timed(async () => (another = await create()));
          await another?.kill();
          return taken;
        },
        async workspace_changes() {
          const { commands, workspace: folder } = await opened();
          const edit = "for i in $(seq 0 99); do echo edited >> d$i/file-1.ts; done";
          await commands.run(edit, { cwd: GUEST, timeoutMs: 0 });
          const taken = await timed(async () => {
            const { changes } = await folder.changes();
            if (changes.length !== 100) throw new Error(`${changes.length} changes, not 100`);
          });
          const undo = "git checkout --quiet .";
          await commands.run(undo, { cwd: GUEST, timeoutMs: 0 });
          return taken;
        },
        workspace_git_status: async () => status(await opened(), GUEST),
        async own_disk_git_status() {
          const { commands } = await opened();
          await commands.run(`cp -a ${GUEST} /home/user/own`, { timeoutMs: 0 });
          return status(sandbox!, "/home/user/own");
        },
      },
      async [Symbol.asyncDispose]() {
        await provider[Symbol.asyncDispose]();
        rmSync(host, { recursive: true });
      },
    };
  },
};
