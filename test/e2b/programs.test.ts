import { execFile, type ExecFileException } from "node:child_process";
import { existsSync } from "node:fs";
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

test.skipIf(!provider.capabilities.pause)(
  "the command line: create, exec, list, info, logs, metrics, pause, resume, connect, kill",
  async (context) => {
    const prefix = temporaryDirectory();
    await install(context, "npm", ["install", "--prefix", prefix, "--no-audit", "@e2b/cli@2.19.0"]);
    const e2b = join(prefix, "node_modules/.bin/e2b");
    const sandbox = (...parameters: string[]) => run(e2b, ["sandbox", ...parameters]);
    const id = (await sandbox("create", "--detach", "base")).trim();
    expect(id).toMatch(/^i[a-z0-9]{20}$/);
    expect(await sandbox("exec", id, "echo out")).toBe("out\n");
    await expect(sandbox("exec", id, "exit 3")).rejects.toMatchObject({ code: 3 });
    expect(await sandbox("list")).toContain(id);
    expect(await sandbox("info", id)).toContain("Internet access: true");
    expect(await sandbox("logs", id)).toContain("created");
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

async function run(program: string, parameters: readonly string[]): Promise<string> {
  const running = promisify(execFile)(program, parameters, {
    env: { ...process.env, ...served.variables },
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
