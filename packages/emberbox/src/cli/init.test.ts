import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { projectFiles } from "./project-files.ts";
import { type Project, projects, tools } from "./projects.ts";
import { version } from "./version.ts";

const root = join(import.meta.dirname, "../../../..");
const launcher = join(root, "packages/emberbox/bin/emberbox.mjs");
const folder = mkdtempSync(join(tmpdir(), "emberbox-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function init(...parameters: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync("node", [launcher, "init", ...parameters], {
    cwd: folder,
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}

/** Names in a table of `pnpm-workspace.yaml`, with their versions. */
function catalog(): ReadonlyMap<string, string> {
  const text = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8");
  const [, table] = /^catalog:\n((?: {2}.*\n)*)/m.exec(text)!;
  return new Map([...table!.matchAll(/^ {2}"?([^":]+)"?: (.*)$/gm)].map(([, a, b]) => [a!, b!]));
}

const all: [string, Project][] = Object.entries(projects);

test.each(all)("the dependencies of %s are in the versions of the workspace", (_, project) => {
  const versions = catalog();
  for (const [name, wanted] of Object.entries({ ...project.beside, ...tools }))
    expect(wanted, name).toBe(versions.get(name));
  for (const [name, wanted] of Object.entries(project.overrides ?? {}))
    expect(wanted, name).toBe(versions.get(name));
  const { dependencies } = JSON.parse(projectFiles(project)["package.json"]!) as {
    dependencies: Record<string, string>;
  };
  for (const name of project.ours) {
    const { version: itsOwn } = JSON.parse(
      readFileSync(join(root, "packages", name.replace("@emberbox/", ""), "package.json"), "utf8"),
    ) as { version: string };
    expect(dependencies[name]).toBe(`^${itsOwn}`);
  }
  expect(Object.keys(dependencies)).toEqual(Object.keys(dependencies).toSorted());
});

test.each(all)("the program of %s is an example, and imports what is installed", (_, project) => {
  const program = projectFiles(project)[project.program]!;
  const example = readFileSync(join(root, "examples", project.example), "utf8");
  expect(example.endsWith(program)).toBe(true);
  const installed = [...project.ours, ...Object.keys(project.beside)];
  const imported = [...program.matchAll(/ from "(.*)";$/gm)]
    .map(([, name]) => name!)
    .filter((name) => !name.startsWith("node:"));
  expect(imported).not.toEqual([]);
  for (const name of imported)
    expect(
      installed.some((each) => `${name}/`.startsWith(`${each}/`)),
      name,
    ).toBe(true);
});

test.each(all)("%s is written into a new directory, and says what comes next", (name, project) => {
  const { code, stdout, stderr } = init(name, `new/${name}`);
  expect(code).toBe(0);
  const files = Object.entries(projectFiles(project));
  expect(stdout).toBe(files.map(([file]) => `new/${name}/${file}\n`).join(""));
  for (const [file, text] of files)
    expect(readFileSync(join(folder, "new", name, file), "utf8")).toBe(text);
  expect(stderr).toMatch(new RegExp(`cd new/${name}\n  npm install\n  npx emberbox quickstart\n`));
  expect(stderr.includes("API_KEY")).toBe(project.key !== undefined);
});

test("without an argument it is the plain project, here; --json names its files", () => {
  const there = join(folder, "here");
  mkdirSync(there);
  const { status, stdout } = spawnSync("node", [launcher, "init", "--json"], {
    cwd: there,
    encoding: "utf8",
  });
  expect(status).toBe(0);
  const files = Object.keys(projectFiles(projects["plain"]!));
  expect(JSON.parse(stdout)).toEqual({ directory: there, files });
  expect(readdirSync(there).toSorted()).toEqual(files.toSorted());
});

test("a file that is there is named, and nothing is written", () => {
  mkdirSync(join(folder, "old"));
  writeFileSync(join(folder, "old/README.md"), "mine");
  const { code, stdout, stderr } = init("mcp", "old");
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^emberbox: old\/README\.md exists already.*\n {2}Name a new directory/);
  expect(readdirSync(join(folder, "old"))).toEqual(["README.md"]);
  expect(readFileSync(join(folder, "old/README.md"), "utf8")).toBe("mine");
});

test("where nothing can be written, nothing is left", () => {
  writeFileSync(join(folder, "file"), "mine");
  const { code, stderr } = init("plain", "file/project");
  expect(code).toBe(2);
  expect(stderr).toMatch(/^emberbox: the project cannot be written: /);
  expect(existsSync(join(folder, "file/project"))).toBe(false);
});

test("an unknown project, such as a directory alone, says which there are", () => {
  const { code, stderr } = init("my-agent");
  expect(code).toBe(2);
  expect(stderr).toMatch(/no project `my-agent`\n.*plain, langchain, ai-sdk, openai-agents, mcp/);
});

test("the version is the package's", () => expect(version).toMatch(/^\d+\.\d+\.\d+/));
