import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const launcher = join(import.meta.dirname, "../../bin/emberbox.mjs");
const home = mkdtempSync(join(tmpdir(), "emberbox-test-"));
afterAll(() => rmSync(home, { recursive: true }));

/** Runs the program without an image, which it may not build, so that nothing here starts a machine. */
function emberbox(
  parameters: readonly string[],
  input = "",
  more: NodeJS.ProcessEnv = {},
): { code: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, EMBERBOX_HOME: home, ...more };
  const { status, stdout, stderr } = spawnSync("node", [launcher, ...parameters], {
    input,
    env,
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}

describe("mistakes on the command line end with 2 and say what is wrong", () => {
  const mistakes: readonly (readonly [parameters: string[], message: RegExp])[] = [
    [["rnu"], /unknown command 'rnu'[\s\S]*Did you mean run/],
    [["run", "--jsno"], /unknown option '--jsno'[\s\S]*Did you mean --json/],
    [["run", "--timeout", "soon"], /number of seconds/],
    [["run", "--timeout", "-1"], /number of seconds/],
    [["run", "--memory", "1.5"], /positive whole number/],
    [["run", "no/such/file.py"], /no\/such\/file\.py cannot be read/],
    [["run", "-", "--out", "/dev/null/pictures"], /pictures cannot be saved/],
    [["build", "fortran"], /no template `fortran`\n.*default, r/],
    [["run", "-", "--template", "fortran"], /no template `fortran`.*default, r/],
    [["run", "a.py", "b.py"], /too many arguments/],
    [["bench", "--only", "speed"], /no `speed`/],
    [["bench", "--report", "/dev/null"], /\/dev\/null is not a file/],
    [["serve", "--host", "0.0.0.0"], /needs an API key[\s\S]*--api-key e2b_/],
    [["serve", "--port", "70000"], /port from 0 to 65535/],
    [["serve", "--tls-cert", "a.pem"], /go together/],
    [["mcp", "--port", "3100"], /--port is of no use without --http/],
    [["mcp", "--http", "--host", "0.0.0.0"], /needs a token[\s\S]*openssl/],
    [["run", "\u001B]52;c;aGk=\u0007\r.py"], /␛\]52;c;aGk=␇\n {2}\.py cannot be read/],
    [["mcp", "--tools", "run_code,fly"], /`include` option to be an array of run_code/],
    [["mcp", "--timeout", "soon"], /number of seconds/],
    [["prune", "--all"], /paused sandboxes and snapshots, too\n.*--yes/],
    [["serve", "--on-shutdown", "shrug"], /Allowed choices are pause, kill/],
    [["image", "import", "no/such/file"], /no\/such\/file cannot be read/],
    [["image", "import", import.meta.filename], /not an image of Emberbox's/],
    [["image", "export", "-", "--json"], /both want standard output/],
    [["image", "export", "/dev/null"], /\/dev\/null is not a file/],
  ];
  test.each(mistakes)("%j", (parameters, message) => {
    const { code, stdout, stderr } = emberbox(parameters);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^emberbox: /);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});

const commands = [
  ...[
    "",
    "quickstart",
    "init",
    "run",
    "shell",
    "serve",
    "mcp",
    "doctor",
    "build",
    "prune",
    "bench",
  ],
  ...["image", "image key", "image export", "image import"],
];
test.each(commands)("help is on standard output, with examples: emberbox %s", (command) => {
  const { code, stdout, stderr } = emberbox([...command.split(" ").filter(Boolean), "--help"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("Examples:");
  // Options that take seconds are kept in milliseconds, which is nobody else's matter.
  for (const [, unit] of stdout.matchAll(/<S>\s[^<]*?\(default: (\d+)/g))
    expect(Number(unit)).toBeLessThanOrEqual(900);
});

test("on a Node that is too old, it says in one sentence which is needed", () => {
  // Without the sources beside it, as it is installed.
  const installed = join(home, "emberbox.mjs");
  copyFileSync(launcher, installed);
  const older = `data:text/javascript,Object.defineProperty(process.versions, "node", { value: "20.19.4" })`;
  const { status, stdout, stderr } = spawnSync("node", ["--import", older, installed, "doctor"], {
    encoding: "utf8",
  });
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toBe("emberbox: this needs Node 22.19 or newer; this is 20.19.4\n");
});

test("nobody reads what it prints: it ends quietly, as other programs do", () => {
  const line = `set -o pipefail; node ${launcher} --help | sleep 0`;
  const { status, stderr } = spawnSync("bash", ["-c", line], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 141, stderr: "" });
  const full = spawnSync("bash", ["-c", `node ${launcher} --help > /dev/full`], {
    encoding: "utf8",
  });
  expect(full.stderr).toMatch(/^emberbox: standard output cannot be written: ENOSPC/);
  expect(full.status).toBe(1);
});

test("--version prints the package's version", () => {
  expect(emberbox(["--version"]).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

describe("without an image", () => {
  test("run says how to build it", () => {
    const { code, stdout, stderr } = emberbox(["run"], "print(1)");
    expect(stderr).toMatch(
      /^emberbox: .*none may be built unasked\n {2}Run `emberbox build`, or `emberbox image import FILE`\.\n$/,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  test("a mistake in EMBERBOX_BUILD is one on the command line", () => {
    const { code, stderr } = emberbox(["run"], "print(1)", { EMBERBOX_BUILD: "no" });
    expect(stderr).toContain('EMBERBOX_BUILD must be "never" or unset, not "no"');
    expect(code).toBe(2);
  });

  test("there is nothing to export, and nothing is written", () => {
    const file = join(home, "emberbox.image");
    const { code, stdout, stderr } = emberbox(["image", "export", file, "--template", "r"]);
    expect(stderr).toMatch(/there is no image in .*\n {2}Run `emberbox build debian-13-r`/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(readdirSync(home).filter((name) => name.startsWith("emberbox.image"))).toEqual([]);
  });

  test("there are no templates to tag, and none whose tags could be taken", () => {
    const tag = emberbox(["template", "tag", "mine:v1", "stable"]);
    expect(tag.stderr).toContain("there is no template `mine:v1`");
    const untag = emberbox(["template", "untag", "mine", "v1"]);
    expect(untag.stderr).toContain("the template mine has none of these tags");
    const wrong = emberbox(["template", "tag", "mine", "V 1"]);
    expect(wrong.stderr).toContain("1 to 32 tags");
    expect([tag, untag, wrong].map(({ code }) => code)).toEqual([2, 1, 2]);
    expect(emberbox(["template", "logs", "mine"]).code).toBe(1);
    for (const name of ["mine:v1", "../mine"])
      expect(emberbox(["template", "logs", name])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("is not the name of a template") as string,
      });
    const list = emberbox(["template", "list"]);
    expect(list.code).toBe(0);
    expect(list.stdout).toMatch(/^java +not built  Debian 13, JDK 21: java, python/m);
    expect(list.stdout).not.toContain("ready-");
  });

  test("its key is known all the same", () => {
    expect(emberbox(["image", "key"]).stdout).toMatch(/^debian-13-[0-9a-f]{16}\n$/);
    expect(emberbox(["image", "key", "--template", "r"]).stdout).toMatch(/^debian-13-r-/);
  });

  test("run --json prints an execution all the same, with the failure", () => {
    const { code, stdout } = emberbox(["run", "--json"], "print(1)");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      logs: { stdout: [], stderr: [] },
      results: [],
      failure: { code: expect.stringMatching(/_missing$/) },
    });
  });

  test("a report of the benchmark says why there is none, and what the doctor found", () => {
    const file = join(home, "bench.md");
    const { code, stderr } = emberbox(["bench", "--report", file]);
    expect(stderr).toContain("`emberbox build`");
    expect(code).toBe(1);
    const page = readFileSync(file, "utf8");
    expect(page).toMatch(/^It failed: .*none may be built unasked\nRun `emberbox build`/m);
    expect(page).toMatch(
      /^fail {2}image +there is none of this version in EMBERBOX_HOME\/images$/m,
    );
    expect(page).not.toContain(home);
  });

  test("doctor fails, and says what to do about each finding", () => {
    const { code, stdout } = emberbox(["doctor", "--json"]);
    const { ok, checks } = JSON.parse(stdout) as {
      ok: boolean;
      checks: { id: string; status: string; advice?: string }[];
    };
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    expect(checks.find(({ id }) => id === "image")).toMatchObject({
      status: "fail",
      advice: "emberbox build",
    });
    expect(
      checks.filter(({ status, advice }) => status === "fail" && advice === undefined),
    ).toEqual([]);
  });
});
