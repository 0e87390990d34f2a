import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../support/cli.ts";
import { about, type CliMethod, command } from "./cli-method.ts";

const NAME = "by-cli";

const sandboxCommands: readonly CliMethod[] = [
  command("sandbox create", async (context, e2b) => {
    const id = (await e2b("sandbox", "create", "--detach", "base")).trim();
    assert.match(id, /^i[a-z0-9]{20}$/);
    context.sandbox = id;
  }),
  about("exec", async (sandbox, id) => {
    assert.equal(await sandbox("exec", id, "echo out"), "out\n");
    const options = ["-u", "root", "-c", "/tmp", "-e", "A=1"];
    assert.equal(await sandbox("exec", ...options, id, "id -un; pwd; echo $A"), "root\n/tmp\n1\n");
    await assert.rejects(sandbox("exec", id, "exit 3"), { code: 3 });
    await sandbox("exec", "--background", id, "sleep 60");
  }),
  about("list", async (sandbox, id) => {
    const later = ["--started-after", "2100-01-01"];
    for (const filter of [[], ["--template", "base"], ["--order", "asc", "--limit", "1000"]])
      assert((await sandbox("list", ...filter)).includes(id));
    assert(!(await sandbox("list", ...later)).includes(id));
  }),
  about("info", async (sandbox, id) => {
    assert.match(await sandbox("info", id), /Internet access: true/);
  }),
  about("logs", async (sandbox, id) => {
    const logs = await sandbox("logs", id);
    assert(logs.includes("created") && logs.includes("stdout"), logs);
    assert.match(await sandbox("logs", "--format", "json", id), /"message":"out"/);
  }),
  about("metrics", async (sandbox, id) => {
    assert.match(await sandbox("metrics", id), /Memory:/);
  }),
  about(
    "snapshot create",
    async (sandbox, id, context) => {
      const made = await sandbox("snapshot", "create", id);
      const [, snapshot] = /Created snapshot (\S+) from/.exec(made) ?? [];
      context.snapshot = snapshot!;
      const copy = (await sandbox("create", "--detach", snapshot!)).trim();
      assert.equal(await sandbox("exec", copy, "echo of it"), "of it\n");
      await sandbox("kill", copy);
    },
    { needs: "snapshots" },
  ),
  about(
    "snapshot list",
    async (sandbox, id, { snapshot }) => {
      assert((await sandbox("snapshot", "list", id)).includes(snapshot!));
    },
    { needs: "snapshots" },
  ),
  about(
    "snapshot delete",
    async (sandbox, _id, { snapshot }) => {
      await sandbox("snapshot", "delete", snapshot!);
      assert(!(await sandbox("snapshot", "list")).includes(snapshot!));
    },
    { needs: "snapshots" },
  ),
  about(
    "pause",
    async (sandbox, id) => {
      assert.match(await sandbox("pause", id), /has been paused/);
      assert((await sandbox("list", "--state", "paused")).includes(id));
    },
    { needs: "pause" },
  ),
  about(
    "resume",
    async (sandbox, id) => assert.match(await sandbox("resume", id), /has been resumed/),
    { needs: "pause" },
  ),
  about("connect", async (_sandbox, id, { program, variables }) => {
    // A terminal without a size, as that of a program is.
    const connect = `stty cols 0 rows 0; ${program} sandbox connect ${id}`;
    const typing = `(sleep 8; echo 'echo $((6 * 7))'; sleep 3; echo exit; sleep 3) | script -qec "${connect}" /dev/null`;
    assert.match(await runCli("/bin/sh", ["-c", typing], variables), /\n[^\n]*42\r*\n/);
  }),
  about("kill", async (sandbox, id) => {
    assert.match(await sandbox("kill", id), /has been killed/);
    assert(!(await sandbox("list")).includes(id));
  }),
];

/** What is tried here: connecting takes a terminal. */
const triedHere = sandboxCommands.filter(
  ({ name }) => name !== "e2b sandbox connect" || existsSync("/usr/bin/script"),
);

const listed = async (e2b: (...parameters: string[]) => Promise<string>) =>
  (JSON.parse(await e2b("template", "list", "--format", "json")) as Record<string, unknown>[]).find(
    ({ templateID }) => templateID === NAME,
  );

const templateCommands: readonly CliMethod[] = [
  command("template init", async ({ directory }, e2b) => {
    const where = ["--path", directory, "--name", "begun", "--language", "typescript"];
    assert.match(await e2b("template", "init", ...where), /initialized successfully/);
    assert(existsSync(join(directory, "begun/template.ts")));
  }),
  command(
    "template create",
    async ({ directory }, e2b) => {
      writeFileSync(join(directory, "file.txt"), "copied\n");
      const steps = ["FROM e2bdev/base", "RUN echo built > /srv/built"];
      const copy = "COPY file.txt /srv/copied";
      writeFileSync(join(directory, "e2b.Dockerfile"), [...steps, copy].join("\n"));
      // Unless it is told otherwise, it asks for two processors, for which a template is warmed first.
      const shape = ["--cpu-count", "1", "--memory-mb", "1024"];
      const made = await e2b("template", "create", NAME, "--path", directory, ...shape);
      assert.match(made, /finished/);
      const id = (await e2b("sandbox", "create", "--detach", NAME)).trim();
      const files = await e2b("sandbox", "exec", id, "cat /srv/built /srv/copied");
      assert.equal(files, "built\ncopied\n");
      await e2b("sandbox", "kill", id);
    },
    { needs: "templates" },
  ),
  command(
    "template list",
    async (_context, e2b) => {
      const { public: isPublic, buildStatus, memoryMB } = (await listed(e2b))!;
      assert.deepEqual([isPublic, buildStatus, memoryMB], [true, "ready", 1024]);
      assert.match(await e2b("template", "list"), /code-interpreter-v1/);
    },
    { needs: "templates" },
  ),
  command(
    "template unpublish",
    async (_context, e2b) => {
      assert.match(await e2b("template", "unpublish", NAME, "--yes"), /Unpublishing/);
      assert.equal((await listed(e2b))!["public"], false);
    },
    { needs: "templates" },
  ),
  command(
    "template publish",
    async (_context, e2b) => {
      const published = await e2b("template", "publish", NAME, "--yes");
      assert(published.includes(`Published as: ${NAME}`), published);
    },
    { needs: "templates" },
  ),
  command(
    "template migrate",
    async ({ directory }, e2b) => {
      const migrate = ["migrate", "--path", directory, "--language", "python-sync"];
      assert.match(await e2b("template", ...migrate), /completed successfully/);
      assert(existsSync(join(directory, "build_prod.py")));
    },
    { needs: "templates" },
  ),
  command(
    "template delete",
    async (_context, e2b) => {
      await e2b("template", "delete", NAME, "--yes");
      assert.equal(await listed(e2b), undefined);
    },
    { needs: "templates" },
  ),
];

const authCommands: readonly CliMethod[] = [
  command("auth info", async (_context, e2b) => {
    assert.match(await e2b("auth", "info"), /Not logged in/);
  }),
  command("auth logout", async (_context, e2b) => {
    assert.match(await e2b("auth", "logout"), /Not logged in/);
  }),
];

/** The commands of E2B's command line, but for those that want a login at E2B's cloud. */
export const cliMethods: readonly CliMethod[] = [
  ...authCommands,
  ...triedHere,
  ...templateCommands,
];
