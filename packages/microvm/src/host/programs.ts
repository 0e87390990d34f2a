import { accessSync, constants, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { EmberboxError } from "@emberbox/core";
import { architectures, HOST_ARCHITECTURE } from "./architecture.ts";
import { packagesOf } from "./packages.ts";

/** What runs machines of the host's own kind. */
export const QEMU: string = architectures[HOST_ARCHITECTURE].qemu;

/** Paths of programs, by the name and where it was searched for. */
const known = new Map<string, string>();

/**
 * The path of an executable, or `undefined`. An ordinary user's PATH often has no sbin. Synchronous, as opening the
 * engine is; but what was found is not searched for again.
 */
export function findProgram(name: string): string | undefined {
  const where = searchPath();
  const key = `${name}\0${where}`;
  const directories = where.split(delimiter).filter(Boolean);
  const path = known.get(key) ?? directories.map((each) => join(each, name)).find(isProgram);
  if (path !== undefined) known.set(key, path);
  return path;
}

export function searchPath(): string {
  return `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The path of that program. @throws `qemu_missing` or `tool_missing` */
export function requireProgram(name: string): string {
  requirePrograms([name]);
  return findProgram(name)!;
}

/** @throws `qemu_missing` or `tool_missing`, for all that are missing together */
export function requirePrograms(names: readonly string[]): void {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return;
  const packages = packagesOf(missing);
  throw new EmberboxError(
    missing.some((name) => name.startsWith("qemu")) ? "qemu_missing" : "tool_missing",
    `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not installed`,
    packages.names.length > 0
      ? { hint: `Install with: ${packages.line}`, details: { packages: packages.names } }
      : {},
  );
}

/** Changes whenever the program does; starts no process. */
export async function programStamp(path: string): Promise<string> {
  const { size, mtimeMs, ino } = await stat(path);
  return [path, size, mtimeMs, ino].join(":");
}

/** QEMU's version in its own words, the distribution's part included. */
export async function qemuFullVersion(path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(path, ["--version"]);
  return stdout.split("\n", 1)[0]!;
}

/** QEMU's version as numbers, e.g. `[7, 2]`. */
export async function qemuVersion(path: string): Promise<[number, number]> {
  const { stdout } = await promisify(execFile)(path, ["--version"]);
  const match = /version (\d+)\.(\d+)/.exec(stdout);
  if (!match) throw new EmberboxError("qemu_missing", `${path} does not tell its version`);
  return [Number(match[1]), Number(match[2])];
}
