import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { microvm } from "@emberbox/microvm";
import { Sandbox } from "@emberbox/core";
import { type GroupPlan, milliseconds, PAUSE_MS } from "./group.ts";

const DIRECTORIES = 200;
const FILES = 100;
const GUEST = "/home/user/repo";

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return milliseconds(started);
}

const OWN = "/home/user/own";
const STATUS = "git status --short";
const SEARCH = "grep -rl --exclude-dir .git 'line 7 7$' . | wc -l";

/** Once it has run, so that what it reads is in memory. */
async function warm({ commands }: Sandbox, command: string, cwd: string): Promise<number> {
  const run = (): Promise<unknown> => commands.run(command, { cwd, timeoutMs: 0 });
  await run();
  return timed(run);
}

/** The same in a copy on the sandbox's own disk. */
async function inOwn(sandbox: Sandbox, command: string): Promise<number> {
  await sandbox.commands.run(`[ -d ${OWN} ] || cp -a ${GUEST} ${OWN}`, { timeoutMs: 0 });
  return warm(sandbox, command, OWN);
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
    "workspace_search",
    "own_disk_search",
  ],
  rounds: 3,
  warmUp: 0,
  async begin() {
    // A program's first sandbox has nothing that was prepared for it.
    const provider = microvm({ standby: false });
    const second = microvm();
    const host = makeRepository();
    const create = (from: typeof provider): Promise<Sandbox> =>
      Sandbox.create({ provider: from, workspace: { host, guest: GUEST }, timeoutMs: 3_600_000 });
    let sandbox: Sandbox | undefined;
    const opened = async (): Promise<Sandbox> => (sandbox ??= await create(provider));
    let round = 0;
    return {
      samplers: {
        async workspace_first() {
          await sandbox?.kill();
          await (await Sandbox.create({ provider })).kill();
          writeFileSync(join(host, "round"), String(round++));
          await sleep(PAUSE_MS);
          return timed(async () => (sandbox = await create(provider)));
        },
        async workspace_second() {
          await using _first = await create(second);
          await sleep(PAUSE_MS);
          let another: Sandbox | undefined;
          const taken = await timed(async () => (another = await create(second)));
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
        workspace_git_status: async () => warm(await opened(), STATUS, GUEST),
        own_disk_git_status: async () => inOwn(await opened(), STATUS),
        workspace_search: async () => warm(await opened(), SEARCH, GUEST),
        own_disk_search: async () => inOwn(await opened(), SEARCH),
      },
      async [Symbol.asyncDispose]() {
        await provider[Symbol.asyncDispose]();
        await second[Symbol.asyncDispose]();
        rmSync(host, { recursive: true });
      },
    };
  },
};
