import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Template, type TemplateBuilder } from "./builder.ts";
import { resolveTemplate } from "./resolve.ts";

const directory = mkdtempSync(join(tmpdir(), "emberbox-builder-"));
afterAll(() => rmSync(directory, { recursive: true }));
writeFileSync(join(directory, "app.py"), "print(1)\n", { mode: 0o644 });
writeFileSync(join(directory, "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
writeFileSync(join(directory, "Dockerfile"), "FROM default\nCOPY nothing /\n");

const builder = (): TemplateBuilder => Template({ fileContextPath: directory });
const stepsOf = ({ recipe }: TemplateBuilder): object[] =>
  recipe.steps.map(({ origin: _origin, ...step }) => step);
const run = (command: string, user?: string): object => ({ type: "RUN", command, user });

describe("steps", () => {
  const cases: [template: TemplateBuilder, step: object][] = [
    [builder().runCmd("make"), run("make")],
    [builder().runCmd(["cd /x", "make"], { user: "root" }), run("cd /x && make", "root")],
    [builder().remove("/a b"), run("rm -- '/a b'")],
    [
      builder().remove(["-f", "$HOME"], { force: true, recursive: true, user: "root" }),
      run("rm -r -f -- -f '$HOME'", "root"),
    ],
    [builder().rename("a", "it's"), run(`mv -- a 'it'\\''s'`)],
    [builder().rename("a", "b", { force: true }), run("mv -f -- a b")],
    [builder().makeDir(["/a", "/b"], { mode: 0o700 }), run("mkdir -p --mode=700 -- /a /b")],
    [builder().makeSymlink("/a", "/b", { force: true }), run("ln -s -n -f -- /a /b")],
    [builder().setWorkdir("/app"), { type: "WORKDIR", path: "/app" }],
    [builder().setUser("root"), { type: "USER", user: "root" }],
    [builder().setEnvs({ A: "1" }), { type: "ENV", envs: { A: "1" } }],
    [builder().pipInstall(), run("pip install --break-system-packages .", "root")],
    [
      builder().pipInstall(["numpy", "flask>=3"], { g: false }),
      run("pip install --break-system-packages --user numpy 'flask>=3'"),
    ],
    [builder().npmInstall(), run("npm install")],
    [builder().npmInstall("tsx", { g: true }), run("npm install --global tsx", "root")],
    [builder().npmInstall("tsx", { dev: true }), run("npm install --save-dev tsx")],
    [
      builder().aptInstall(["jq", "a;b"], { noInstallRecommends: true, fixMissing: true }),
      run(
        "apt-get update && DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -y --no-install-recommends --fix-missing jq 'a;b'",
        "root",
      ),
    ],
    [
      builder().gitClone("https://x/y.git", "/y", { branch: "main", depth: 1 }),
      run("git clone --branch main --single-branch --depth 1 -- https://x/y.git /y"),
    ],
    [
      builder().fromTemplate("mcp-gateway").addMcpServer(["filesystem", "a;b"]),
      run("mcp-gateway pull filesystem 'a;b'", "root"),
    ],
    [builder().gitClone("https://x/y.git"), run("git clone -- https://x/y.git")],
    [
      builder().copy(["./a", "b/"], "/c", { user: "user", mode: 0o600 }),
      { type: "COPY", sources: ["a", "b"], dest: "/c", user: "user", mode: 0o600 },
    ],
  ];
  for (const [template, step] of cases)
    test(JSON.stringify(step), () => expect(stepsOf(template)).toEqual([step]));
});

test("a template begins with `default`, or another one", () => {
  expect(builder().recipe.from).toBe("default");
  expect(builder().fromTemplate("debian-12").fromBaseImage().recipe.from).toBe("default");
  expect(builder().fromTemplate("mine").recipe.from).toBe("mine");
});

test("the cache is not used from the first step after `skipCache`", () => {
  const template = builder().runCmd("a").skipCache().runCmd("b").skipCache();
  expect(template.recipe.freshFrom).toBe(1);
});

test("a start command has a ready command", () => {
  const { recipe } = builder().setStartCmd("serve", "true").setReadyCmd("curl localhost");
  expect(recipe).toMatchObject({ startCommand: "serve", readyCommand: "curl localhost" });
});

test("each step knows where it was written", () => {
  const template = builder()
    .pipInstall("x")
    .copyItems([{ src: "app.py", dest: "/" }]);
  for (const { origin } of template.recipe.steps)
    expect(origin).toMatch(new RegExp(`^${import.meta.filename}:\\d+$`));
});

const from = (work: (template: TemplateBuilder) => TemplateBuilder): unknown =>
  work(Template()).recipe.from;

test("container images are named with what their registry is shown", () => {
  const credentials = { username: "reader", password: "secret" };
  expect(from((it) => it.fromImage("host/it:1", credentials))).toEqual({
    ...{ image: "host/it:1", ...credentials },
  });
  expect(from((it) => it.fromPythonImage("3.12-slim"))).toEqual({ image: "python:3.12-slim" });
  expect(from((it) => it.fromNodeImage())).toEqual({ image: "node:lts" });
  expect(from((it) => it.fromDebianImage())).toEqual({ image: "debian:stable" });
  expect(from((it) => it.fromUbuntuImage("24.04"))).toEqual({ image: "ubuntu:24.04" });
  expect(from((it) => it.fromBunImage())).toEqual({ image: "oven/bun:latest" });
});

test("a Dockerfile is read from its text and from a file", () => {
  const text = Template().fromDockerfile("FROM mine\nCMD serve").runCmd("true").recipe;
  expect(text).toMatchObject({ from: "mine", startCommand: "serve" });
  expect(text.steps[0]!.origin).toBe("Dockerfile:1");
  const path = join(directory, "Dockerfile");
  expect(Template().fromDockerfile(path).recipe.steps[0]!.origin).toBe(`${path}:1`);
});

describe("mistakes are refused at once", () => {
  const wrong: [work: (template: TemplateBuilder) => unknown, code: string, message: string][] = [
    [(it) => it.fromImage(""), "invalid_argument", "image"],
    [(it) => it.fromImage("a", { username: "b" } as never), "invalid_argument", "password"],
    [(it) => it.runCmd("true").fromPythonImage(), "invalid_argument", "before its steps"],
    [(it) => it.fromTemplate(""), "invalid_argument", "`name` to be a template's name"],
    [(it) => it.runCmd("a").fromTemplate("b"), "invalid_argument", "before its steps"],
    [(it) => it.fromDockerfile("no-such-file"), "file_not_found", "no-such-file"],
    [(it) => it.copy("../a", "/"), "invalid_path", '"../a" contains `..`'],
    [(it) => it.copy("/etc/passwd", "/"), "invalid_path", '"/etc/passwd" is absolute'],
    [(it) => it.copy([], "/"), "invalid_path", "Expected a path"],
    [(it) => it.copy("a", ""), "invalid_path", "may not be empty"],
    [(it) => it.copy("a", "b", { mode: 0o10000 }), "invalid_argument", "`mode` option"],
    [(it) => it.copy("a", "b", { owner: "x" } as never), "invalid_argument", "option `owner`"],
    [(it) => it.copyItems("a" as never), "invalid_argument", "`items`"],
    [(it) => it.copyItems([null as never]), "invalid_argument", "`items`"],
    [(it) => it.runCmd([]), "invalid_argument", "`command` to be a string or a list"],
    [(it) => it.runCmd(["a", " "]), "invalid_argument", "`command`"],
    [(it) => it.runCmd("a", { user: "a b" }), "invalid_argument", "`user` option"],
    [(it) => it.remove("a\0b"), "invalid_path", "NUL"],
    [(it) => it.setUser("a:b"), "invalid_argument", "`user` to be a user's name"],
    [(it) => it.setEnvs({ "A=": "1" }), "invalid_argument", "`envs`"],
    [(it) => it.aptInstall(""), "invalid_argument", "`packages`"],
    [(it) => it.addMcpServer("time"), "invalid_argument", 'after `fromTemplate("mcp-gateway")`'],
    [(it) => it.gitClone("u", "p", { branch: "--upload-pack=x" }), "invalid_argument", "`branch`"],
    [(it) => it.gitClone("u", "p", { depth: 0 }), "invalid_argument", "`depth`"],
    [(it) => it.setStartCmd("serve", ""), "invalid_argument", "`ready`"],
    [() => Template({ path: "." } as never), "invalid_argument", "Unknown option `path`"],
    [() => Template({ fileIgnorePatterns: "x" as never }), "invalid_argument", "list of strings"],
  ];
  for (const [work, code, message] of wrong) {
    test(`${work}`, () =>
      expect(() => work(builder())).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(message) }),
      ));
  }
});

describe("resolved", () => {
  test("a copy has its files and their digest", async () => {
    const template = builder().setUser("root").copy(["app.py", "run.sh"], "/app").skipCache();
    const { steps, ...rest } = await resolveTemplate(template);
    expect(rest).toEqual({
      from: "default",
      freshFrom: 2,
      startCommand: undefined,
      readyCommand: undefined,
    });
    expect(steps).toMatchObject([
      { type: "USER", user: "root" },
      {
        type: "COPY",
        dest: "/app",
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        entries: [
          { path: "app.py", type: "file", mode: 0o644, source: join(directory, "app.py") },
          { path: "run.sh", type: "file", mode: 0o755, source: join(directory, "run.sh") },
        ],
      },
    ]);
    expect(steps[1]).not.toHaveProperty("sources");
  });

  test("what is missing is named, with the line that wants it", async () => {
    const path = join(directory, "Dockerfile");
    await expect(resolveTemplate(builder().fromDockerfile(path))).rejects.toMatchObject({
      code: "file_not_found",
      message: expect.stringMatching(`^${path}:2: Nothing in .* matches "nothing"`),
    });
    await expect(resolveTemplate(builder().copy("nothing", "/"))).rejects.toThrow(
      /builder\.test\.ts:\d+: Nothing/,
    );
    const elsewhere = Template({ fileContextPath: join(directory, "no") }).copy(".", "/");
    await expect(resolveTemplate(elsewhere)).rejects.toMatchObject({ code: "file_not_found" });
    await expect(resolveTemplate({} as never)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
