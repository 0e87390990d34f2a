import { lstatSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { EXIT, type Finish, say, UsageError } from "./failure.ts";
import { projectFiles } from "./project-files.ts";
import { type Project, projects } from "./projects.ts";

const names = Object.keys(projects);

export function addInit(program: Command, finish: Finish): void {
  program
    .command("init")
    .summary("make a small project that runs code in a sandbox")
    .description(
      "Makes a project with a program to start from, for an agent framework or plain. Nothing that is there is overwritten.",
    )
    .argument("[PROJECT]", `one of: ${names.join(", ")}`, parseProject, "plain")
    .argument("[DIRECTORY]", "where to; it is made if it is not there", ".")
    .option("--json", "print the directory and its new files as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ emberbox init
  $ emberbox init langchain my-agent`,
    )
    .action((name: string, directory: string, flags: Flags) =>
      finish(init(projects[name]!, directory, flags)),
    );
}

interface Flags {
  readonly json?: true;
}

function parseProject(name: string): string {
  if (names.includes(name)) return name;
  throw new UsageError(
    `there is no project \`${name}\``,
    `The projects are: ${names.join(", ")}. A directory comes second: emberbox init plain my-sandbox`,
  );
}

function init(project: Project, directory: string, flags: Flags): number {
  const files = projectFiles(project);
  writeAll(directory, files);
  const written = Object.keys(files);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ directory: resolve(directory), files: written })}\n`);
    return EXIT.ok;
  }
  for (const file of written) process.stdout.write(`${join(directory, file)}\n`);
  const steps = [
    ...(resolve(directory) === process.cwd() ? [] : [`cd ${inShell(directory)}`]),
    "npm install",
    "npx emberbox quickstart",
    `${project.key ? `${project.key[0]}=… ` : ""}npm start`,
  ];
  say(`next:\n${steps.join("\n")}`);
  return EXIT.ok;
}

/** A word for the shell. */
function inShell(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Writes all of the files or none, and none over another. */
function writeAll(directory: string, files: Readonly<Record<string, string>>): void {
  const paths = Object.keys(files).map((name) => join(directory, name));
  const there = paths.filter(isThere);
  if (there.length > 0) throw existing(there);
  const made: string[] = [];
  try {
    const first = mkdirSync(directory, { recursive: true });
    if (first !== undefined) made.push(first);
    for (const [name, text] of Object.entries(files)) {
      const path = join(directory, name);
      writeFileSync(path, text, { flag: "wx" });
      made.push(path);
    }
  } catch (error) {
    for (const path of made.toReversed()) rmSync(path, { recursive: true, force: true });
    throw new UsageError(`the project cannot be written: ${(error as Error).message}`);
  }
}

/** Links that lead nowhere are there, too. */
function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function existing(paths: readonly string[]): UsageError {
  return new UsageError(
    `${paths.join(", ")} ${paths.length === 1 ? "exists" : "exist"} already, and nothing was written`,
    "Name a new directory: emberbox init PROJECT DIRECTORY",
  );
}
