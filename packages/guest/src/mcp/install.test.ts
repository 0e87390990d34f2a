import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Source } from "./config.ts";
import { Installer } from "./install.ts";

const home = mkdtempSync(join(tmpdir(), "mcp-install-"));
afterAll(() => rmSync(home, { recursive: true }));
const repository = join(home, "github/some-one/server.git");
beforeAll(() => {
  mkdirSync(repository, { recursive: true });
  writeFileSync(join(repository, "server.cjs"), "");
  const git = (...args: string[]) => execFileSync("git", args, { cwd: repository });
  git("init", "--quiet");
  git("add", ".");
  git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--message=a");
  // It stands in for GitHub.
  vi.stubEnv("GIT_CONFIG_COUNT", "1");
  vi.stubEnv("GIT_CONFIG_KEY_0", `url.file://${home}/github/.insteadOf`);
  vi.stubEnv("GIT_CONFIG_VALUE_0", "https://github.com/");
});
afterAll(() => void vi.unstubAllEnvs());

/** An installer, and what it logs. */
function open() {
  const log = new PassThrough();
  let text = "";
  log.on("data", (chunk) => (text += String(chunk)));
  const closing = new AbortController();
  const place = { home, root: join(home, "servers") };
  const installer = new Installer(place, { log, signal: closing.signal });
  return { installer, closing, log: () => text };
}

const clone = (installCmd?: string): Source => ({
  kind: "github",
  repository: "some-one/server",
  installCmd,
  runCmd: "node server.cjs",
});

test("a repository is cloned and installed once, whoever asks", async () => {
  const { installer, log } = open();
  const source = clone("echo installing; echo x >> times");
  const [one, other] = await Promise.all([installer.install(source), installer.install(source)]);
  expect(one).toEqual(other);
  expect(one).toMatchObject({ command: "bash", args: ["-lc", "node server.cjs"] });
  expect(existsSync(join(one.cwd!, "server.cjs"))).toBe(true);
  expect(await open().installer.install(source)).toEqual(one);
  expect(execFileSync("cat", ["times"], { cwd: one.cwd, encoding: "utf8" })).toBe("x\n");
  expect(log().match(/installing/g)).toHaveLength(1);
});

test("an installation that fails says what it printed, and is tried again from the beginning", async () => {
  const { installer } = open();
  const flag = join(home, "flag");
  const source = clone(
    `test ! -e half || exit 9; touch half; test -e ${flag} || { echo no flag; exit 3; }`,
  );
  await expect(installer.install(source)).rejects.toThrow(/ended with 3: .*no flag/s);
  writeFileSync(flag, "");
  await installer.install(source);
  const missing: Source = {
    kind: "github",
    repository: "some-one/other",
    installCmd: undefined,
    runCmd: "x",
  };
  await expect(installer.install(missing)).rejects.toThrow("git clone");
});

test("an installation that is given up ends with all that it started", async () => {
  const { installer, closing, log } = open();
  const installing = installer.install(clone("sleep 1000 & echo $! begun; wait"));
  await vi.waitFor(() => expect(log()).toContain("begun"), 30_000);
  closing.abort();
  await expect(installing).rejects.toThrow("ended with a signal");
  const pid = Number(/(\d+) begun/.exec(log())![1]);
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), 30_000);
});

test("a command is as it is", async () => {
  const source: Source = { kind: "command", command: "serve", cwd: "/srv" };
  expect(await open().installer.install(source)).toMatchObject({
    command: "serve",
    args: [],
    cwd: "/srv",
  });
});
