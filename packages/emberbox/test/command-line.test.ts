import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";

const launcher = join(import.meta.dirname, "../bin/emberbox.mjs");
const directory = mkdtempSync(join(tmpdir(), "emberbox-test-"));
afterAll(() => rmSync(directory, { recursive: true }));

function start(...parameters: string[]): ChildProcess {
  const child = spawn(process.execPath, [launcher, ...parameters], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function emberbox(
  parameters: readonly string[],
  input = "",
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = start(...parameters);
  child.stdin!.on("error", () => {}).end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, "close"),
  ]);
  return { code: code as number, stdout, stderr };
}

describe("emberbox template", () => {
  test("builds a directory with a Dockerfile, whose failures name its lines", async () => {
    const context = join(directory, "it's mine");
    mkdirSync(context);
    expect(await emberbox(["template", "init", context])).toMatchObject({ code: 0, stdout: "" });
    const dockerfile = join(context, "Dockerfile");
    expect(readFileSync(dockerfile, "utf8")).toContain("FROM default");
    expect((await emberbox(["template", "init", context])).code).toBe(2);
    const lines = ["FROM default", "COPY . /srv/app", "ENV GREETING=hello", "WORKDIR /srv/app"];
    writeFileSync(dockerfile, [...lines, 'RUN echo "$GREETING" \\', "  > greeting", ""].join("\n"));
    const build = ["template", "build", context, "--name", "from-dockerfile"];
    const built = await emberbox(build);
    expect(built.stderr).toContain("[5/");
    expect(built).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^template  from-/) as unknown,
    });
    const again = await emberbox([...build, "--json"]);
    expect(again.stderr.match(/\(done before\)/g)).toHaveLength(
      again.stderr.split("\n").length - 1,
    );
    const { buildId } = JSON.parse(again.stdout) as { buildId: string };
    expect(built.stdout).toContain(buildId);
    const code = "print(open('/srv/app/greeting').read(), end='')";
    const run = await emberbox(["run", "--template", "from-dockerfile", "-"], code);
    expect(run).toMatchObject({ code: 0, stdout: "hello\n" });
    expect((await emberbox(["template", "list"])).stdout).toMatch(
      /^from-dockerfile .*1024 MiB, 1 CPU, built 2/m,
    );

    writeFileSync(dockerfile, [...lines, "RUN exit 3", ""].join("\n"));
    const failed = await emberbox(build);
    expect(failed.stderr).toMatch(/Dockerfile:5\): it exited with 3/);
    expect(failed.code).toBe(1);
    expect((await emberbox(["template", "list", "--json"])).stdout).toContain(buildId);
    const { stdout: log } = await emberbox(["template", "logs", "from-dockerfile"]);
    expect(log).toMatch(/^\[1\/\d] USER root\n.*it exited with 3/s);
    expect((await emberbox(["template", "logs", "not-built"])).code).toBe(1);
    writeFileSync(dockerfile, "FROM default\nADD https://example.com/file /srv/\n");
    expect((await emberbox(build)).stderr).toContain("Dockerfile:2");
    expect(await emberbox(["template", "delete", "from-dockerfile"])).toMatchObject({ code: 0 });
    expect(await emberbox(["template", "delete", "from-dockerfile"])).toMatchObject({ code: 1 });
    expect((await emberbox(["template", "prune"])).stderr).toContain("were removed");
  });
});

describe("emberbox run", () => {
  test("--json prints one execution, and nothing else, on standard output", async () => {
    const { code, stdout } = await emberbox(["run", "-", "--json"], "print(21*2)");
    const execution = JSON.parse(stdout) as {
      logs: { stdout: string[]; stderr: string[] };
      results: unknown[];
    };
    expect(execution.logs.stdout.join("")).toBe("42\n");
    expect(execution).toMatchObject({ results: [], logs: { stderr: [] } });
    expect(code).toBe(0);
  });

  test("prints output and the value of the last expression, each to its stream", async () => {
    const file = join(directory, "code.py");
    writeFileSync(file, "import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7");
    expect(await emberbox(["run", file])).toEqual({
      code: 0,
      stdout: "out\n42\n",
      stderr: "err\n",
    });
  });

  test("an error in the code: its traceback, without colours, and 1", async () => {
    const { code, stdout, stderr } = await emberbox(["run"], "print(1)\n1/0");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "1\n" });
    expect(stderr).toContain("ZeroDivisionError: division by zero");
    expect(stderr).not.toContain("\u001B");
  });

  test("pictures are saved where --out says, and never over another file", async () => {
    const out = join(directory, "pictures");
    const plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()";
    const first = await emberbox(["run", "--out", out], plot);
    const second = await emberbox(["run", "--out", out], plot);
    for (const [{ code, stdout, stderr }, name] of [
      [first, "picture-1.png"],
      [second, "picture-2.png"],
    ] as const) {
      const path = join(out, name);
      expect({ code, stdout, stderr }).toEqual({
        code: 0,
        stdout: "",
        stderr: `emberbox: saved ${path}\n`,
      });
      expect(readFileSync(path).subarray(1, 4).toString()).toBe("PNG");
    }
    expect((await emberbox(["run"], plot)).stderr).toContain("--out DIR");
  });

  test("--timeout stops the code: 1, with what was printed, and how to give more", async () => {
    const { code, stdout, stderr } = await emberbox(
      ["run", "--timeout", "5"],
      "print('so far', flush=True)\nwhile True: pass",
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "so far\n" });
    expect(stderr).toContain("--timeout");
  });

  test("a reader that goes away ends it", async () => {
    const child = start("run", "-");
    child.stdin!.end("while True: print('again')");
    await once(child.stdout!, "data");
    child.stdout!.destroy();
    expect(await once(child, "exit")).toEqual([141, null]);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s stops the code and ends with %i", async (signal, expected) => {
    const child = start("run", "-");
    child.stdin!.end("print('started', flush=True)\nimport time\ntime.sleep(600)");
    await once(child.stdout!, "data");
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([expected, null]);
  });

  test.each([
    [["--memory", "100"], "512"],
    [["--language", "cobol"], "python"],
  ])("%j is refused with 2, saying what there is", async (parameters, known) => {
    const { code, stderr } = await emberbox(["run", ...parameters], "1");
    expect(code).toBe(2);
    expect(stderr).toContain(known);
  });
});

describe("emberbox shell", () => {
  test("runs what is typed, and ends as the shell does", async () => {
    const { code, stdout } = await emberbox(["shell"], "id -un; exit 7\n");
    expect(stdout).toMatch(/\ruser\r\n/);
    expect(code).toBe(7);
  });

  test.skipIf(!existsSync("/usr/bin/script"))(
    "in a terminal, Ctrl-C goes to the sandbox and the terminal is restored",
    async () => {
      const child = spawn(
        "script",
        ["-qec", `${process.execPath} ${launcher} shell; echo ended $?; stty -a`, "/dev/null"],
        { stdio: ["pipe", "pipe", "inherit"] },
      );
      onTestFinished(() => void child.kill("SIGKILL"));
      let screen = "";
      const shows = async (what: string): Promise<void> => {
        while (!screen.includes(what)) screen += String((await once(child.stdout, "data"))[0]);
        screen = screen.slice(screen.indexOf(what) + what.length);
      };
      await shows("$ ");
      // The quotes distinguish the output from what was typed: before it runs, Ctrl-C would be just a key.
      // A second shell, because one that is just forking `sleep` may take the signal without ending it.
      child.stdin.write("bash -c 'echo st\"\"arted; sleep 600'\r");
      await shows("started");
      child.stdin.write("\u0003");
      await shows("^C");
      child.stdin.write("exit 5\r");
      await shows("ended 5");
      await shows(" icanon");
      child.stdin.end();
      await once(child, "exit");
    },
  );
});

test("emberbox bench --report writes the machine, the table and what the doctor found", async () => {
  const file = join(directory, "bench.md");
  const { code, stdout, stderr } = await emberbox(["bench", "--only", "command", "--report", file]);
  expect(stderr).toMatch(/^measuring command\ncommand: .* ms\nemberbox: wrote .*bench\.md, to/);
  expect(code).toBe(0);
  const page = readFileSync(file, "utf8");
  expect(page).toContain(stdout);
  expect(stdout).toMatch(/^\| command +\|.* 40 +\|/m);
  expect(page).toMatch(/^ok {4}qemu +version /m);
});

test("emberbox doctor and emberbox build find everything there", async () => {
  expect(await emberbox(["build"])).toMatchObject({ code: 0, stderr: "" });
  const { code, stdout } = await emberbox(["doctor", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  expect(code).toBe(0);
});
