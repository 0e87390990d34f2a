import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sandbox } from "@emberbox/core";
import type { Workspace } from "@emberbox/core/workspace";
import type { Attempt } from "./attempt.ts";
import type { Outcome } from "./world.ts";

interface Folder {
  readonly sandbox: Sandbox;
  readonly workspace: Workspace;
  readonly host: string;
  /** As root, in the sandbox's copy. */
  readonly sh: (script: string) => Promise<void>;
}

/** Root of a sandbox that has a copy of a folder, and whoever applies what is there. */
const attempt = (
  id: string,
  tries: string,
  refused: RegExp,
  work: (folder: Folder) => Promise<string>,
): Attempt => ({
  id: `workspace.${id}`,
  tries,
  refusedBy: "the workspace's apply",
  refused,
  async run({ provider }): Promise<Outcome> {
    const place = realpathSync(mkdtempSync(join(tmpdir(), "emberbox-escape-")));
    try {
      const host = join(place, "repo");
      mkdirSync(join(host, ".git/hooks"), { recursive: true });
      mkdirSync(join(host, "dir"));
      writeFileSync(join(host, "dir/file"), "mine\n");
      writeFileSync(join(place, "outside"), "mine\n");
      await using sandbox = await Sandbox.create({ provider, workspace: { host } });
      const { workspace } = sandbox;
      const sh = async (script: string): Promise<void> => {
        const options = { user: "root", cwd: workspace.guest };
        const { exitCode, stderr } = await sandbox.commands.run(`set -e; ${script}`, options);
        if (exitCode !== 0) throw new Error(stderr);
      };
      const said = await work({ sandbox, workspace, host, sh });
      const isSame =
        readdirSync(place).join() === "outside,repo" &&
        readFileSync(join(place, "outside"), "utf8") === "mine\n" &&
        readdirSync(host, { recursive: true }).toSorted().join() ===
          ".git,.git/hooks,dir,dir/file" &&
        readFileSync(join(host, "dir/file"), "utf8") === "mine\n";
      return {
        delivered: "it was to be applied",
        seen: isSame ? said : `GOT ${readdirSync(place, { recursive: true }).join()}`,
      };
    } finally {
      rmSync(place, { recursive: true });
    }
  },
});

const code = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "GOT through",
    (error: unknown) => String((error as { code?: string }).code ?? error),
  );

export const workspaceAttempts: readonly Attempt[] = [
  attempt(
    "links",
    "have a link written to a folder that leads out of it",
    /^(workspace_refused ?){5}$/,
    async ({ workspace, sh }) => {
      const said = [];
      for (const target of [
        "/etc/passwd",
        "../outside",
        "dir/../../outside",
        "loop",
        "one/../../outside",
      ]) {
        await sh(`ln -sfn dir one; ln -sfn '${target}' loop`);
        said.push(await code(workspace.apply()));
      }
      return said.join(" ");
    },
  ),
  attempt(
    "swap",
    "put a link in the place of a directory once its files were shown",
    /^workspace_changed workspace_refused$/,
    async ({ workspace, sh }) => {
      await sh("echo shown > dir/file");
      const { digest } = await workspace.diff();
      await sh("mv dir gone; ln -s .. dir");
      return `${await code(workspace.apply({ digest }))} ${await code(workspace.apply())}`;
    },
  ),
  attempt(
    "git",
    "have git run something at the next commit: a hook, settings, a repository elsewhere or by another name",
    /^(workspace_refused ?){4}$/,
    async ({ workspace, sh }) => {
      const said = [];
      for (const script of [
        "printf '#!/bin/sh' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit",
        "printf '[core]\\nfsmonitor=evil' > .git/config",
        "mv .git g; echo 'gitdir: g' > .git",
        "mkdir -p b/objects b/refs; echo 'ref: refs/heads/main' > b/HEAD; touch b/config",
      ]) {
        await workspace.discard();
        await sh(script);
        said.push(await code(workspace.apply()));
      }
      return said.join(" ");
    },
  ),
  attempt(
    "special",
    "have a pipe, a socket or a device written to a folder",
    /^(workspace_refused ?){3}$/,
    async ({ workspace, sh }) => {
      const said = [];
      for (const make of [
        "mkfifo new",
        "mknod new b 8 0",
        `python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("new")'`,
      ]) {
        await sh(`rm -f new; ${make}`);
        said.push(await code(workspace.apply()));
      }
      return said.join(" ");
    },
  ),
  attempt(
    "space",
    "fill the host's disk by files that are applied: large ones, and ones with holes",
    /^file_too_large workspace_refused$/,
    async ({ workspace, sh }) => {
      await sh("truncate -s 20M new");
      const large = await code(workspace.apply({ maxBytes: 10_000_000 }));
      await sh("truncate -s 1T new");
      return `${large} ${await code(workspace.apply())}`;
    },
  ),
];
