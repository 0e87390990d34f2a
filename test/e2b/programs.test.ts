import { execFile, type ExecFileException, type ExecFileOptions } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import { createSandbox, provider } from "../support/sandboxes.ts";
import { temporaryDirectory } from "../support/server.ts";
import { type Served, startServed } from "./support/served.ts";

// E2B's command line, as its registry has it, with exactly the variables that `emberbox serve --tls-self-signed` prints.
let served: Served;
beforeAll(async () => {
  await (await createSandbox()).kill();
  served = await startServed(temporaryDirectory(), "--tls-self-signed");
});
afterAll(() => served.kill());

/** It pauses sandboxes. */
const programs = test.skipIf(!provider.capabilities.pause);

programs(
  "the command line: create, exec, list, info, logs, metrics, pause, resume, connect, kill",
  async (context) => {
    const e2b = await installCli(context);
    const sandbox = (...parameters: string[]) => run(e2b, ["sandbox", ...parameters]);
    const id = (await sandbox("create", "--detach", "base")).trim();
    expect(id).toMatch(/^i[a-z0-9]{20}$/);
    expect(await sandbox("exec", id, "echo out")).toBe("out\n");
    await expect(sandbox("exec", id, "exit 3")).rejects.toMatchObject({ code: 3 });
    expect(await sandbox("list")).toContain(id);
    expect(await sandbox("info", id)).toContain("Internet access: true");
    const logs = await sandbox("logs", id);
    expect(logs).toContain("created");
    expect(logs).toContain("stdout");
    expect(await sandbox("metrics", id)).toContain("Memory:");
    expect(await run(e2b, ["template", "list"])).toContain("code-interpreter-v1");
    expect(await sandbox("pause", id)).toContain("has been paused");
    expect(await sandbox("list", "--state", "paused")).toContain(id);
    expect(await sandbox("resume", id)).toContain("has been resumed");
    if (existsSync("/usr/bin/script")) {
      // A terminal without a size, as that of a program is.
      const connect = `stty cols 0 rows 0; ${e2b} sandbox connect ${id}`;
      const typing = `(sleep 8; echo 'echo $((6 * 7))'; sleep 3; echo exit; sleep 3) | script -qec "${connect}" /dev/null`;
      expect(await run("/bin/sh", ["-c", typing])).toMatch(/\n[^\n]*42\r*\n/);
    }
    expect(await sandbox("kill", id)).toContain("has been killed");
    expect(await sandbox("list")).not.toContain(id);
  },
);

test("the command line: auth, and template init, create, list, publish, unpublish, migrate, delete", async (context) => {
  const e2b = await installCli(context);
  // Where it looks for who has logged in.
  const env = { HOME: temporaryDirectory() };
  const cli = (...parameters: string[]) => run(e2b, parameters, { env });
  expect(await cli("auth", "info")).toContain("Not logged in");
  expect(await cli("auth", "logout")).toContain("Not logged in");

  const path = temporaryDirectory();
  const template = (...parameters: string[]) => cli("template", ...parameters);
  const init = await template(
    "init",
    "--path",
    path,
    "--name",
    "begun",
    "--language",
    "typescript",
  );
  expect(init).toContain("initialized successfully");
  expect(existsSync(join(path, "begun/template.ts"))).toBe(true);

  writeFileSync(join(path, "file.txt"), "copied\n");
  const steps = ["FROM e2bdev/base", "RUN echo built > /srv/built", "COPY file.txt /srv/copied"];
  writeFileSync(join(path, "e2b.Dockerfile"), steps.join("\n"));
  // Unless it is told otherwise, it asks for two processors, for which a template is warmed first.
  const shape = ["--cpu-count", "1", "--memory-mb", "1024"];
  expect(await template("create", "by-cli", "--path", path, ...shape)).toContain("finished");
  const listed = async () =>
    (JSON.parse(await template("list", "--format", "json")) as Record<string, unknown>[]).find(
      ({ templateID }) => templateID === "by-cli",
    );
  expect(await listed()).toMatchObject({ public: true, buildStatus: "ready", memoryMB: 1024 });
  expect(await template("unpublish", "by-cli", "--yes")).toContain("Unpublishing");
  expect(await listed()).toMatchObject({ public: false });
  expect(await template("publish", "by-cli", "--yes")).toContain("Published as: by-cli");
  const id = (await cli("sandbox", "create", "--detach", "by-cli")).trim();
  expect(await cli("sandbox", "exec", id, "cat /srv/built /srv/copied")).toBe("built\ncopied\n");
  await cli("sandbox", "kill", id);
  const migrate = await template("migrate", "--path", path, "--language", "python-sync");
  expect(migrate).toContain("completed successfully");
  expect(existsSync(join(path, "build_prod.py"))).toBe(true);
  await template("delete", "by-cli", "--yes");
  expect(await listed()).toBeUndefined();
});

/** E2B's command line, installed once. */
async function installCli(context: TestContext): Promise<string> {
  if (installed === undefined) {
    const prefix = temporaryDirectory();
    await install(context, "npm", ["install", "--prefix", prefix, "--no-audit", "@e2b/cli@2.19.0"]);
    installed = join(prefix, "node_modules/.bin/e2b");
  }
  return installed;
}
let installed: string | undefined;

async function run(
  program: string,
  parameters: readonly string[],
  { env }: Pick<ExecFileOptions, "env"> = {},
): Promise<string> {
  const running = promisify(execFile)(program, parameters, {
    env: { ...process.env, ...served.variables, ...env },
    timeout: 200_000,
  });
  // Some wait for the end of their input.
  running.child.stdin!.end();
  try {
    return (await running).stdout;
  } catch (error) {
    const { code, signal, stdout } = error as ExecFileException & { stdout: string };
    (error as Error).message += `\nended with ${code ?? signal}, after:\n${stdout}`;
    throw error;
  }
}

/** Skips the test, loudly, where the registry does not answer or its client is missing. */
async function install(
  context: TestContext,
  client: string,
  parameters: readonly string[],
): Promise<void> {
  try {
    await promisify(execFile)(client, parameters, { timeout: 120_000 });
  } catch (error) {
    const reason = `${client} ${parameters.at(-1)!} cannot be installed: ${(error as Error).message}`;
    console.warn(`SKIPPED: ${reason}`);
    context.skip(reason);
  }
}
