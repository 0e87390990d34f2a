import { constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { type Entry, SandboxLocalFileReadError } from "@openai/agents-core/sandbox";

/** A file or a directory of a source. */
export interface LocalItem {
  /** Relative to the source, with `/` as the separator; empty for the source itself. */
  readonly path: string;
  /** Reads the file; absent for a directory. */
  readonly read?: () => Promise<{ readonly data: Uint8Array; readonly executable: boolean }>;
}

/** An entry that names a file or a directory of this machine. */
export type LocalEntry = Extract<Entry, { type: "local_file" | "local_dir" }>;

/**
 * Lists an entry's source: a file, or a directory and everything in it, each directory before what is in it. The source
 * must be below the program's working directory or a granted path. As in the framework's own sandboxes, links are
 * refused, also on the way to the source, and what is neither a file nor a directory is left out.
 * @throws `SandboxLocalFileReadError`
 */
export async function* listLocal(
  { type, src }: LocalEntry,
  granted: readonly string[],
): AsyncGenerator<LocalItem> {
  const start = await allowedPath(src, granted);
  const isDirectory = (await infoOf(start)).isDirectory();
  if (isDirectory !== (type === "local_dir"))
    refuse(start, type === "local_dir" ? "is not a directory" : "is not a file");
  yield* walk(start, "");
}

async function* walk(start: string, path: string): AsyncGenerator<LocalItem> {
  const here = join(start, path);
  const info = await infoOf(here);
  if (info.isSymbolicLink()) refuse(here, "is a link");
  if (info.isFile()) yield { path, read: () => readWhole(here) };
  else if (path === "" && !info.isDirectory()) refuse(here, "is not a file");
  if (!info.isDirectory()) return;
  yield { path };
  const names = await readdir(here).catch((error: unknown) =>
    refuse(here, "cannot be read", error),
  );
  for (const name of names.toSorted()) yield* walk(start, path === "" ? name : `${path}/${name}`);
}

function infoOf(path: string): ReturnType<typeof lstat> {
  return lstat(path).catch((error: unknown) => refuse(path, "cannot be read", error));
}

async function readWhole(file: string): Promise<{ data: Uint8Array; executable: boolean }> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW).catch(
    (error: unknown) => refuse(file, "cannot be read", error),
  );
  try {
    const executable = ((await handle.stat()).mode & 0o111) !== 0;
    return { data: await handle.readFile(), executable };
  } finally {
    await handle.close();
  }
}

async function allowedPath(source: string, granted: readonly string[]): Promise<string> {
  const asked = resolve(source);
  if (![process.cwd(), ...granted].some((root) => isBelow(resolve(root), asked))) {
    refuse(asked, "is outside of the program's working directory, and no path grant names it");
  }
  // Directories at the top are the system's own, and are links on some (`/tmp` of macOS).
  for (
    let above = dirname(asked);
    dirname(above) !== dirname(dirname(above));
    above = dirname(above)
  )
    if ((await infoOf(above)).isSymbolicLink()) refuse(asked, "is reached through a link");
  if ((await infoOf(asked)).isSymbolicLink()) refuse(asked, "is a link");
  return asked;
}

function isBelow(root: string, path: string): boolean {
  const below = relative(root, path);
  return !isAbsolute(below) && below !== ".." && !below.startsWith(`..${sep}`);
}

function refuse(path: string, why: string, cause?: unknown): never {
  throw new SandboxLocalFileReadError(`${path} ${why}`, { path, cause });
}
