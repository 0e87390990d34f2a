import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Writable } from "node:stream";
import type { Source } from "./config.ts";
import { type Command, type Place, runToEnd } from "./run-as.ts";

/** Installs servers, each once, whoever asks. */
export class Installer {
  readonly #place: Place;
  readonly #how: { readonly log: Writable; readonly signal: AbortSignal };
  readonly #running = new Map<string, Promise<void>>();

  constructor(place: Place, how: { readonly log: Writable; readonly signal: AbortSignal }) {
    this.#place = place;
    this.#how = how;
  }

  /** How to start a server, which is installed if it is not yet. */
  async install(source: Source): Promise<Command> {
    if (source.kind === "command") return { ...source, args: [] };
    const directory = directoryOf(this.#place, source);
    const running = this.#running.get(directory) ?? this.#once(source, directory);
    this.#running.set(directory, running);
    await running.finally(() => this.#running.delete(directory));
    return commandOf(source, directory);
  }

  async #once(source: Source, directory: string): Promise<void> {
    const done = `${directory}.done`;
    if (existsSync(done)) return;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const { user } = this.#place;
    if (user !== undefined) execFileSync("chown", [`${user}:`, directory]);
    for (const step of stepsOf(source, directory)) await runToEnd(this.#place, step, this.#how);
    writeFileSync(done, "");
  }
}

/** The same for the same source, so that what a template has is found. */
function directoryOf({ root }: Place, source: Source): string {
  const hash = createHash("sha256").update(JSON.stringify(source)).digest("hex");
  return join(root, `${source.kind}-${hash.slice(0, 16)}`);
}

function stepsOf(source: Source, directory: string): Command[] {
  switch (source.kind) {
    case "npm": {
      const flags = [
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--loglevel=http",
        "--prefix",
        directory,
      ];
      return [{ command: "npm", args: ["install", ...flags, "--", source.spec] }];
    }
    case "pypi": {
      const flags = ["--disable-pip-version-check", "--progress-bar=off"];
      return [
        { command: "python3", args: ["-m", "venv", directory] },
        { command: pythonIn(directory), args: ["-m", "pip", "install", ...flags, source.spec] },
        // Its programs, for `commandOf`.
        { command: pythonIn(directory), args: ["-c", FIND_PROGRAMS, nameOf(source.spec)] },
      ];
    }
    case "github": {
      const url = `https://github.com/${source.repository}.git`;
      const clone = { command: "git", args: ["clone", "--depth=1", "--", url, directory] };
      if (source.installCmd === undefined) return [clone];
      return [clone, { command: "bash", args: ["-lc", source.installCmd], cwd: directory }];
    }
    case "command":
      return [];
  }
}

const pythonIn = (directory: string): string => join(directory, "bin", "python");
const FIND_PROGRAMS = `
import importlib.metadata, json, os, sys
scripts = importlib.metadata.distribution(sys.argv[1]).entry_points
names = [each.name for each in scripts if each.group == "console_scripts"]
with open(os.path.join(sys.prefix, "programs.json"), "w") as file:
    json.dump(names, file)
`;

function commandOf(source: Source, directory: string): Command {
  switch (source.kind) {
    case "npm": {
      const name = nameOf(source.spec);
      const { bin } = readJson(join(directory, "node_modules", name, "package.json")) as {
        bin?: unknown;
      };
      const programs = typeof bin === "object" && bin !== null ? Object.keys(bin) : [];
      const single = typeof bin === "string" ? [name.replace(/^.*\//, "")] : programs;
      return inDirectory(join(directory, "node_modules", ".bin"), name, single);
    }
    case "pypi": {
      const names = readJson(join(directory, "programs.json"));
      return inDirectory(join(directory, "bin"), nameOf(source.spec), names as string[]);
    }
    case "github":
      return { command: "bash", args: ["-lc", source.runCmd], cwd: directory };
    case "command":
      return { ...source, args: [] };
  }
}

/** The program that has the package's own name, or else its first. */
function inDirectory(directory: string, name: string, programs: readonly string[]): Command {
  const own = name.replace(/^.*\//, "");
  const program = programs.find((each) => each === own) ?? programs[0];
  if (program === undefined || program.includes("/"))
    throw new Error(`the package ${name} has no program to run`);
  return { command: join(directory, program), args: [] };
}

/** A package's name, without its version. */
const nameOf = (spec: string): string => spec.replace(/(?<=.)@.*$|[[=<>~].*$/, "");

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));
