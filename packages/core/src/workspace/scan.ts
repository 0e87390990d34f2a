import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readlinkSync, type Dirent, type Stats } from "node:fs";
import { EmberboxError } from "../errors.ts";
import { shareTurn } from "../wire/share-turn.ts";
import type { Baseline, BaselineEntry } from "../workspace-options.ts";
import { Directory, readBeginning } from "./directory.ts";
import type { IgnoreTree } from "./ignore-tree.ts";
import { comparePaths, textOf } from "./paths.ts";
import { LOOKED_AT, secretAt } from "./secrets.ts";
import type { LeftOut } from "./types.ts";

/** The most files, directories and links that a workspace may have. */
const MAX_ENTRIES = 500_000;
/** How deep directories may be in each other; no provider needs to take more. */
const MAX_DEPTH = 256;

/** Entries that are hashed together: each call costs. */
const HASHED = 1000;

/** What names of directories begin with that `apply` keeps things in until it is done. */
export const RESERVED = ".emberbox-apply-";

/** What a scan found. */
export interface Scanned {
  readonly baseline: Baseline;
  readonly leftOut: readonly LeftOut[];
}

/** What a scan brings along. */
export interface ScanOptions {
  readonly ignore: IgnoreTree;
  readonly secrets: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks at everything in a folder. No link is followed, and nothing is read but ignore files and the beginnings of files
 * that may be secrets.
 * @throws `invalid_argument` when there is too much, `invalid_path` when the folder cannot be read
 */
export async function scan(host: string, options: ScanOptions): Promise<Scanned> {
  const entries: BaselineEntry[] = [];
  const leftOut: LeftOut[] = [];
  const links = new Map<string, string>();
  const leave = (path: string, reason: LeftOut["reason"], detail: string): void => {
    leftOut.push({ path: textOf(path), reason, detail });
  };

  const look = async (directory: Directory, prefix: string, depth: number): Promise<void> => {
    options.ignore.enter(prefix, directory);
    for (const dirent of namesIn(directory)) {
      const { name } = dirent;
      const path = prefix === "" ? name : `${prefix}/${name}`;
      const isDirectory = dirent.isDirectory();
      // What an apply that was killed left; it is dealt with before the next one.
      if (prefix === "" && name.startsWith(RESERVED)) continue;
      const rule = options.ignore.ruleFor(path, isDirectory);
      if (rule !== undefined) {
        leave(path, "ignored", rule);
        continue;
      }
      if (!isDirectory && !dirent.isFile() && !dirent.isSymbolicLink()) {
        leave(path, "special", "a socket, pipe or device");
        continue;
      }
      try {
        const secret = options.secrets
          ? undefined
          : secretAt(path, isDirectory, () =>
              dirent.isFile() ? readBeginning(directory, name, LOOKED_AT) : "",
            );
        if (secret !== undefined) {
          leave(path, "secret", secret);
          continue;
        }
        const stats = lstatSync(directory.at(name));
        const entry = entryOf(path, stats, directory, name, links);
        if (entry.type === "directory") {
          if (depth >= MAX_DEPTH) throw tooMuch(`${MAX_DEPTH} directories in each other`);
          using inner = directory.open(name);
          entries.push(entry);
          await look(inner, path, depth + 1);
        } else entries.push(entry);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // It went away meanwhile.
        if (code === "ENOENT") continue;
        if (code !== "EACCES" && code !== "EPERM") throw error;
        leave(path, "unreadable", "this user may not read it");
      }
      if (entries.length > MAX_ENTRIES) throw tooMuch(`${MAX_ENTRIES} files`);
      const turn = shareTurn();
      if (turn !== undefined) {
        await turn;
        options.signal?.throwIfAborted();
      }
    }
  };

  try {
    using root = Directory.root(host);
    await look(root, "", 0);
  } catch (cause) {
    if (EmberboxError.isInstance(cause) || options.signal?.aborted) throw cause;
    throw new EmberboxError("invalid_path", `${host} cannot be read: ${(cause as Error).message}`, {
      cause,
      hint: "Give a folder that this user may read.",
    });
  }
  entries.sort((a, b) => comparePaths(a.path, b.path));
  return { baseline: baselineOf(entries), leftOut };
}

/** A baseline of entries that are in order. */
export function baselineOf(entries: readonly BaselineEntry[]): Baseline {
  const digest = createHash("sha256");
  for (let at = 0; at < entries.length; at += HASHED) {
    const lines = entries
      .slice(at, at + HASHED)
      .map(
        ({ path, type, mode, size, mtimeMs, target, hardLinkOf }) =>
          `${JSON.stringify([path, type, mode, size, mtimeMs, target, hardLinkOf])}\n`,
      );
    digest.update(lines.join(""));
  }
  return { entries, digest: digest.digest("hex") };
}

function namesIn(directory: Directory): Dirent[] {
  const found = readdirSync(directory.at(""), { withFileTypes: true, encoding: "latin1" });
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function entryOf(
  path: string,
  stats: Stats,
  directory: Directory,
  name: string,
  links: Map<string, string>,
): BaselineEntry {
  const common = {
    path,
    mode: stats.mode & 0o7777,
    mtimeMs: stats.mtimeMs,
    ctimeMs: stats.ctimeMs,
  };
  if (stats.isDirectory()) return { ...common, type: "directory", size: 0 };
  if (stats.isSymbolicLink()) {
    const target = readlinkSync(directory.at(name), { encoding: "buffer" }).toString("latin1");
    return { ...common, type: "symlink", size: 0, target };
  }
  const file = { ...common, type: "file", size: stats.size } as const;
  if (stats.nlink < 2) return file;
  const key = `${stats.dev}:${stats.ino}`;
  const hardLinkOf = links.get(key);
  if (hardLinkOf !== undefined) return { ...file, hardLinkOf };
  links.set(key, path);
  return file;
}

const tooMuch = (what: string): EmberboxError =>
  new EmberboxError("invalid_argument", `A workspace may not have more than ${what}`, {
    hint: "Leave something out: `ignore`, `gitignore: true`, or a file `.emberboxignore` in the folder.",
  });
