// Runs every example, each with a time limit, and prints a table. Names given as arguments choose some of them.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SOURCE, sourceNode } from "./source.ts";

const root = join(import.meta.dirname, "..");
/** In ms. A slow machine may warm a template meanwhile. */
const LIMIT_MS = 900_000;
const MAX_OUTPUT = 64 * 1024;

export interface ExampleRun {
  readonly ok: boolean;
  /** How it ended. */
  readonly outcome: string;
  readonly seconds: number;
  /** The end of what it printed. */
  readonly output: string;
}

/** Directories that do not contain examples; hidden ones are skipped too. */
const PASSED_OVER = /^(?:\.|node_modules$|support$)/;

/** The TypeScript files in `examples` and in its immediate subdirectories; deeper ones belong to one of these. */
export function findExamples(): string[] {
  const directories = readdirSync(join(root, "examples"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !PASSED_OVER.test(entry.name))
    .map((entry) => `examples/${entry.name}`);
  return ["examples", ...directories].flatMap((directory) =>
    readdirSync(join(root, directory))
      .filter((name) => name.endsWith(".ts"))
      .toSorted()
      .map((name) => `${directory}/${name}`),
  );
}

/** The environment variable that an example says it needs, if it is not set. */
export function missing(file: string): string | undefined {
  const name = /^\/\/ needs: (\w+)$/m.exec(readFileSync(join(root, file), "utf8"))?.[1];
  return name !== undefined && process.env[name] === undefined ? name : undefined;
}

/** The environment, without the keys of any service. */
export function withoutKeys(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/_(?:API_KEY|TOKEN)$/.test(name));
  return Object.fromEntries(kept);
}

/** Runs an example in a temporary directory, and without the keys of any service. */
export async function runExample(file: string, limitMs: number = LIMIT_MS): Promise<ExampleRun> {
  const cwd = mkdtempSync(join(tmpdir(), "emberbox-example-"));
  try {
    const options = { cwd, env: withoutKeys(), limitMs };
    return await runProgram(sourceNode, [SOURCE, join(root, file)], options);
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

interface ProgramOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly limitMs?: number;
  /** Kills the program. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs a program to its end, or to that of its time. */
export async function runProgram(
  program: string,
  parameters: readonly string[],
  { cwd, env, limitMs = LIMIT_MS, signal }: ProgramOptions,
): Promise<ExampleRun> {
  signal?.throwIfAborted();
  const started = performance.now();
  // A group of its own, so that a hanging one is killed with all that it started.
  const stdio = ["ignore", "pipe", "pipe"] as const;
  const child = spawn(program, parameters, { cwd, env, stdio: [...stdio], detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-MAX_OUTPUT);
    });
  const kill = (): void => void process.kill(-child.pid!, "SIGKILL");
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    kill();
  }, limitMs);
  signal?.addEventListener("abort", kill);
  try {
    const [code, name] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.on("error", reject).on("close", (...end) => resolve(end));
    });
    const outcome = isLate
      ? `no end after ${limitMs / 1000} s`
      : code === 0
        ? "ok"
        : `ended with ${name ?? code}`;
    const seconds = (performance.now() - started) / 1000;
    return { ok: outcome === "ok", outcome, seconds, output };
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener("abort", kill);
  }
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  const files = findExamples().filter((file) => wanted.every((name) => file.includes(name)));
  const width = Math.max(...files.map((file) => file.length));
  let failed = files.length === 0;
  for (const file of files) {
    const needed = missing(file);
    if (needed !== undefined) {
      console.log(`- ${file.padEnd(width)}            skipped: it needs ${needed}`);
      continue;
    }
    const { ok, outcome, seconds, output } = await runExample(file);
    failed ||= !ok;
    if (!ok) console.log(output);
    console.log(
      `${ok ? "✓" : "✗"} ${file.padEnd(width)}  ${seconds.toFixed(1).padStart(6)} s  ${outcome}`,
    );
  }
  process.exitCode = failed ? 1 : 0;
}
