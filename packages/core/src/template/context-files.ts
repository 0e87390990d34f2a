import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { EmberboxError } from "../errors.ts";
import { type Context, findSource, type Found, mayHold, notFound } from "./context.ts";
import type { CopySources } from "./recipe.ts";
import type { CopyEntry } from "../template-request.ts";

/** The most files, directories and links that one copy may have. */
const MAX_ENTRIES = 100_000;

type Entries = Map<string, CopyEntry>;

/** What a copy consists of. */
export interface CopyContent {
  /** In the order of their paths. */
  readonly entries: readonly CopyEntry[];
  /** SHA-256 of the entries and of what is in the files, as hexadecimal digits. */
  readonly digest: string;
}

/**
 * Looks at what is to be copied. As in Docker, what is in a directory goes into the destination; a file becomes the
 * destination or, when that ends with `/` or there are several sources, goes into it. Links are copied as links; only a
 * source that is itself a link, to something in the context, is followed. The destination itself is an entry when it
 * is to be a file or link, and when there is nothing else to copy than an empty directory.
 * @throws `file_not_found` when a source does not exist or is ignored, `invalid_path` when it is not in the context or
 * cannot be read, and `invalid_argument` for what cannot be copied: a socket, or more than 100 000 entries
 */
export async function contextFiles(
  context: Context,
  { sources, dest }: Pick<CopySources, "sources" | "dest">,
): Promise<CopyContent> {
  try {
    const found: Found[][] = [];
    for (const source of sources) found.push(await findSource(context, source));
    const isInto = found.flat().length > 1 || /(^|\/)\.{0,2}$/.test(dest);
    const byPath: Entries = new Map();
    for (const [index, each] of found.entries()) {
      let isAny = false;
      for (const { name, path, isDirectory } of each) {
        const to = isInto && !isDirectory ? basename(name) : "";
        if (await collect(context, path, to, byPath)) isAny = true;
      }
      if (!isAny) {
        const source = JSON.stringify(sources[index]);
        throw notFound(`Nothing in ${context.root} matches ${source}, or it is ignored`);
      }
    }
    if (byPath.size === 0) add(byPath, { path: "", type: "directory", mode: 0o755 });
    const entries = [...byPath.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
    return { entries, digest: await digestOf(entries) };
  } catch (cause) {
    if (EmberboxError.isInstance(cause)) throw cause;
    throw new EmberboxError(
      "invalid_path",
      `The files to copy cannot be read: ${(cause as Error).message}`,
      { cause, hint: "Correct what the message names, or leave it out by `fileIgnorePatterns`." },
    );
  }
}

/** Adds what is at `path`, as `to`; false when all of it is ignored. */
async function collect(
  context: Context,
  path: string,
  to: string,
  entries: Entries,
): Promise<boolean> {
  const source = join(context.root, path);
  const stats = await lstat(source);
  if (!mayHold(context, path, stats.isDirectory())) return false;
  const mode = stats.mode & 0o7777;
  if (stats.isDirectory()) {
    let isKept = !context.isIgnored(path);
    for (const name of await readdir(source))
      if (await collect(context, join(path, name), join(to, name), entries)) isKept = true;
    if (isKept && to !== "") add(entries, { path: to, type: "directory", mode });
    return isKept;
  }
  if (stats.isSymbolicLink())
    add(entries, { path: to, type: "symlink", mode, target: await readlink(source) });
  else if (stats.isFile()) add(entries, { path: to, type: "file", mode, source });
  else throw invalid(`${JSON.stringify(path)} is not a file, directory or symbolic link`);
  return true;
}

function add(entries: Entries, entry: CopyEntry): void {
  const { path, type } = entry;
  const before = entries.get(path);
  if (before !== undefined && (before.type === "directory") !== (type === "directory"))
    throw invalid(`${JSON.stringify(path)} is a directory in one source, and not in another`);
  entries.set(path, entry);
  if (entries.size > MAX_ENTRIES)
    throw invalid(`A copy has more than ${MAX_ENTRIES} files, directories and links`);
}

async function digestOf(entries: readonly CopyEntry[]): Promise<string> {
  const digest = createHash("sha256");
  for (const { path, type, mode, source, target } of entries) {
    const content = createHash("sha256");
    if (source !== undefined)
      for await (const piece of createReadStream(source)) content.update(piece as Buffer);
    digest.update(JSON.stringify([path, type, mode, target, content.digest("hex")]));
  }
  return digest.digest("hex");
}

const invalid = (message: string): EmberboxError =>
  new EmberboxError("invalid_argument", message, {
    hint: "Copy less, or leave it out by `fileIgnorePatterns` or `.dockerignore`.",
  });
