import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { pythonThatRuns } from "../../../scripts/python/tools.ts";

export const examples: string = join(import.meta.dirname, "../../../examples/python");

/** The newest packages, or the pair that many guides pin. */
export type Requirements = "requirements.txt" | "requirements-old.txt";

/** There is no Python here that can have environments, or the packages cannot be installed. */
export class NoEnvironment extends Error {}

/** The path of a Python that has these packages, in an environment below the user's cache. @throws {@link NoEnvironment} */
export async function pythonWith(
  requirements: Requirements,
  signal?: AbortSignal,
): Promise<string> {
  // What the newest packages demand.
  const base = pythonThatRuns("import ensurepip, sys, venv; assert sys.version_info >= (3, 11)");
  if (base === undefined) {
    throw new NoEnvironment(
      "there is no Python 3.11 or newer here with venv. On Debian or Ubuntu: sudo apt-get install python3-venv",
    );
  }
  const file = join(examples, requirements);
  const { stdout: version } = await run(base, ["-c", "import sys; print(sys.prefix, sys.version)"]);
  const digest = createHash("sha256").update(readFileSync(file)).update(version).digest("hex");
  const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "emberbox-python");
  const made = join(cache, `${basename(requirements, ".txt")}-${digest.slice(0, 16)}`);
  const python = join(made, "bin/python");
  if (existsSync(python)) return python;

  mkdirSync(cache, { recursive: true });
  // It gets its name once it is whole, by whichever program is first.
  const directory = mkdtempSync(join(cache, "making-"));
  try {
    await run(base, ["-m", "venv", directory], signal);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"];
    await run(join(directory, "bin/python"), [...pip, "--requirement", file], signal);
    if (!existsSync(python)) renameSync(directory, made);
  } catch (error) {
    signal?.throwIfAborted();
    if (existsSync(python)) return python;
    throw new NoEnvironment(
      `the packages of ${requirements} cannot be installed: ${(error as Error).message}`,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return python;
}

/** The version that the requirements have of a package. */
export function versionOf(name: string, requirements: Requirements): string {
  const text = readFileSync(join(examples, requirements), "utf8");
  return new RegExp(`^${name}==(.+)$`, "m").exec(text)![1]!;
}

function run(program: string, parameters: readonly string[], signal?: AbortSignal) {
  return promisify(execFile)(program, parameters, { timeout: 300_000, ...(signal && { signal }) });
}
