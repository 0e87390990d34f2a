import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sandbox } from "@emberbox/core";
import type { Workspace } from "@emberbox/core/workspace";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { provider } from "./support/sandboxes.ts";

/*
 * What a machine may make of its copy of a folder, and what then becomes of the folder.
 */

const place = realpathSync(mkdtempSync(join(tmpdir(), "emberbox-red-team-")));
const outside = join(place, "outside");
const host = join(place, "repo");
let sandbox: Sandbox;
let workspace: Workspace;
afterAll(async () => {
  await sandbox?.kill();
  rmSync(place, { recursive: true, force: true });
});

function* everythingIn(root: string, at = ""): Generator<string> {
  for (const name of readdirSync(join(root, at), { encoding: "latin1" }).toSorted()) {
    const path = at === "" ? name : `${at}/${name}`;
    const whole = Buffer.from(`${root}/${path}`, "latin1");
    const stats = lstatSync(whole);
    const mode = (stats.mode & 0o7777).toString(8);
    if (stats.isDirectory()) {
      yield `${path}/ ${mode}`;
      yield* everythingIn(root, path);
    } else if (stats.isSymbolicLink()) yield `${path} -> ${readlinkSync(whole)}`;
    else if (!stats.isFile()) yield `${path} special`;
    else {
      const digest = createHash("sha256").update(readFileSync(whole)).digest("hex");
      yield `${path} ${mode} ${digest.slice(0, 8)}`;
    }
  }
}

const look = (root: string): string[] => [...everythingIn(root)];

async function root(script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await sandbox.commands.run(`set -e\n${script}`, {
    ...{ user: "root", cwd: workspace.guest, timeoutMs: 0 },
  });
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

beforeEach(async () => {
  if (sandbox === undefined) {
    mkdirSync(outside);
    writeFileSync(join(outside, "secret"), "outside");
    mkdirSync(join(host, "dir"), { recursive: true });
    mkdirSync(join(host, ".git/hooks"), { recursive: true });
    writeFileSync(join(host, "dir/a"), "a\n");
    writeFileSync(join(host, "file"), "file\n");
    writeFileSync(join(host, ".git/HEAD"), "ref: refs/heads/main\n");
    writeFileSync(join(host, ".git/config"), "[core]\n");
    sandbox = await Sandbox.create({ provider, workspace: { host }, timeoutMs: 3_600_000 });
    workspace = sandbox.workspaces[0]!;
  }
  await workspace.discard();
});

/** Nothing is written, not even of what is harmless. */
async function refused(work: Promise<unknown>, code: string): Promise<void> {
  const before = look(place);
  await expect(work).rejects.toMatchObject({ code });
  expect(look(place)).toEqual(before);
}

describe("refused, with all that was to be applied", () => {
  test.each([
    ["an absolute link", "ln -s /etc/passwd new", "new"],
    ["a link out of the folder", "ln -s ../outside/secret new", "new"],
    ["a link out by way of a directory", "ln -s dir/../../outside new", "new"],
    ["a link by way of a link", "ln -s dir new; ln -s new/../../outside other", "other"],
    ["a file that became a link", "rm file; ln -s ../outside/secret file", "file"],
    ["a directory that became a link", "rm -r dir; ln -s ../outside dir", "dir"],
    ["a loop of links", "ln -s two one; ln -s one two", "one"],
    ["a device of blocks", "mknod new b 8 0", "new"],
    ["a device of characters", "mknod new c 1 3", "new"],
    ["a pipe", "mkfifo new", "new"],
    ["a socket", `python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("new")'`, "new"],
    [
      "a hook",
      "echo x > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit",
      ".git/hooks/pre-commit",
    ],
    ["settings of git", "echo '[core] fsmonitor = evil' >> .git/config", ".git/config"],
    ["a repository elsewhere", "mv .git git; echo 'gitdir: git' > .git", ".git"],
    [
      "a repository by another name",
      "mkdir -p b/objects b/refs; echo x > b/HEAD; echo x > b/config",
      "b/config",
    ],
    ["a hole of 1 TB", "truncate -s 1T new", "new"],
    ["what apply calls its own", "mkdir .emberbox-apply-0", ".emberbox-apply-0"],
  ])("%s", async (_, script, path) => {
    await root(`echo fine > harmless; ${script}`);
    const { changes } = await workspace.changes();
    expect(changes.filter(({ refused: why }) => why).map((each) => each.path)).toContain(path);
    await refused(workspace.apply(), "workspace_refused");
    await refused(workspace.apply({ onConflict: "overwrite" }), "workspace_refused");
  });

  test("more than is allowed", async () => {
    await root("truncate -s 20M new");
    await refused(workspace.apply({ maxBytes: 10_000_000 }), "file_too_large");
  });

  test("what is not what was shown", async () => {
    await root("echo shown > dir/a");
    const { digest } = await workspace.diff();
    await root("rm -r dir; ln -s ../outside dir");
    await refused(workspace.apply({ digest }), "workspace_changed");
    await root("rm dir; mkdir dir; echo another > dir/a");
    await refused(workspace.apply({ digest }), "workspace_changed");
  });

  test("files under what became a link on this machine", async () => {
    await root("echo evil > dir/secret");
    rmSync(join(host, "dir"), { recursive: true });
    symlinkSync("../outside", join(host, "dir"));
    try {
      for (const onConflict of ["refuse", "overwrite", "merge"] as const)
        await refused(workspace.apply({ onConflict }), "workspace_conflict");
    } finally {
      rmSync(join(host, "dir"));
      mkdirSync(join(host, "dir"));
      writeFileSync(join(host, "dir/a"), "a\n");
    }
  });
});

/** A machine that changes its files while they are read. */
test("what a machine changes under the hand is there as it was shown, or not at all", async () => {
  const program = await sandbox.commands.run(
    `while true; do printf one > race; rm -f race; ln -s /etc/passwd race; rm -f race; printf other > race; done`,
    { background: true, cwd: workspace.guest, user: "root" },
  );
  try {
    for (let round = 0; round < 5; round++) {
      await workspace.apply({ onConflict: "overwrite" }).catch((error: { code: string }) => {
        expect(error.code).toMatch(/^(?:workspace_|file_not_found|protocol_error)/);
      });
      for (const line of look(host).filter((each) => each.startsWith("race")))
        expect(line).toMatch(/^race 644 (?:7692c3ad|d9298a10|e3b0c442)/);
    }
  } finally {
    await program.kill();
  }
  await root("rm -f race");
  await workspace.apply({ onConflict: "overwrite" });
});

describe("as it is", () => {
  test("names of any bytes", async () => {
    await root(String.raw`mkdir names; cd names
touch -- $'new\nline' $'bell\a' $'esc\e[31m' $'\xff\xfe' $'nf\xc3\xa9' $'nfe\xcc\x81' Case case '-rf' '*' ' ' 'a"b\c'
touch $(printf 'n%.0s' $(seq 255)); touch -- $'back\\slash' CON aux. 'C:' '~'`);
    await workspace.apply();
    const inside = await root("cd names; ls -1A --zero | od -An -v -tx1 | tr -d ' \n'");
    const names = Buffer.from(inside, "hex").toString("latin1").split("\0").filter(Boolean);
    expect(readdirSync(join(host, "names"), { encoding: "latin1" }).toSorted()).toEqual(
      names.toSorted(),
    );
    expect(names).toHaveLength(18);
    await root("rm -r names");
    await workspace.apply();
    expect(readdirSync(host)).not.toContain("names");
  });

  test("a file that becomes a directory, and one again", async () => {
    await root("rm file; mkdir file; echo in > file/in");
    await workspace.apply();
    expect(readFileSync(join(host, "file/in"), "utf8")).toBe("in\n");
    await root("rm -r file; echo file > file");
    await workspace.apply();
    expect(readFileSync(join(host, "file"), "utf8")).toBe("file\n");
  });

  test("hard links as files, and special bits not at all", async () => {
    await root("ln file hard; cp /bin/true suid; chmod 6755 suid; mkdir sticky; chmod 3777 sticky");
    await workspace.apply();
    expect(lstatSync(join(host, "hard")).nlink).toBe(1);
    expect(lstatSync(join(host, "suid")).mode & 0o7777).toBe(0o755);
    expect(lstatSync(join(host, "sticky")).mode & 0o7777).toBe(0o777);
    expect(lstatSync(join(host, "suid")).uid).toBe(process.getuid!());
    await root("rm -r hard suid sticky");
    await workspace.apply();
  });

  test("directories in each other, deeper than a folder may have them", async () => {
    await root(`python3 -c '
import os
for _ in range(300): os.mkdir("d"); os.chdir("d")
open("end", "w").write("deep")'`);
    await workspace.apply();
    expect(readFileSync(join(host, "d/".repeat(300), "end"), "utf8")).toBe("deep");
    await root("rm -r d");
    await workspace.apply();
    expect(readdirSync(host)).not.toContain("d");
  });
});
