import { constants } from "node:fs";
import { lstat, open, readdir, realpath } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { SandboxLocalFileReadError } from "@openai/agents-core/sandbox";

export interface LocalFile {
  /** Relative to the source, with `/` as the separator; empty for the source itself. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly executable: boolean;
}

/**
 * Reads a file, or all files of a directory, on this machine. The source must be below the program's working directory
 * or a granted path; links are refused.
 * @throws `SandboxLocalFileReadError`
 */
export async function* readLocal(
  source: string,
  granted: readonly string[],
): AsyncGenerator<LocalFile> {
  const start = await allowedPath(source, granted);
  yield* walk(start, "");
}

async function* walk(start: string, path: string): AsyncGenerator<LocalFile> {
  const here = join(start, path);
  const info = await lstat(here).catch((error: unknown) => refuse(here, "cannot be read", error));
  if (info.isFile()) {
    yield { path, ...(await readWhole(here)) };
    return;
  }
  if (!info.isDirectory()) refuse(here, "is neither a file nor a directory");
  for (const name of (await readdir(here)).toSorted()) {
    yield* walk(start, path === "" ? name : `${path}/${name}`);
  }
}

async function readWhole(file: string): Promise<Omit<LocalFile, "path">> {
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
  const real = await realpath(asked).catch((error: unknown) =>
    refuse(asked, "cannot be read", error),
  );
  if ((await lstat(asked)).isSymbolicLink()) refuse(asked, "is a link");
  for (const root of [process.cwd(), ...granted]) {
    const below = relative(await realpath(root).catch(() => root), real);
    if (isAbsolute(below) || below === ".." || below.startsWith(`..${sep}`)) continue;
    if (relative(resolve(root), asked) !== below) refuse(asked, "is reached through a link");
    return real;
  }
  return refuse(asked, "is outside of the program's working directory, and no path grant names it");
}

function refuse(path: string, why: string, cause?: unknown): never {
  throw new SandboxLocalFileReadError(`${path} ${why}`, { path, cause });
}
