import { lstat, readdir, realpath } from "node:fs/promises";
import { dirname, basename, isAbsolute, join, relative } from "node:path";
import { EmberboxError } from "../errors.ts";
import { globExpression, isPattern } from "./glob.ts";
import { type IgnoreRules, readIgnoreRules } from "./ignore.ts";

/** A directory that files are copied from. */
export interface Context extends IgnoreRules {
  /** Absolute, without symbolic links. */
  readonly root: string;
}

/** Something in a context, by the name that a source gives it. */
export interface Found {
  readonly name: string;
  /** Where the name leads, relative to the context. */
  readonly path: string;
  readonly isDirectory: boolean;
}

/** Opens a context directory. @throws `file_not_found`, and `invalid_argument` for a wrong pattern */
export async function openContext(path: string, patterns: readonly string[]): Promise<Context> {
  const root = await realpath(path).catch((cause: unknown) => {
    throw notFound(`There is no context directory ${JSON.stringify(path)}`, cause);
  });
  return { root, ...(await readIgnoreRules(root, patterns)) };
}

/** What a path or pattern stands for, without what is ignored. @throws `invalid_path` when a link on the way leads out of the context */
export async function findSource(context: Context, source: string): Promise<Found[]> {
  const parts = source.split("/");
  const first = parts.findIndex(isPattern);
  const names =
    first === -1
      ? [source]
      : await namesLike(context, parts.slice(0, first).join("/"), parts.slice(first));
  const found: Found[] = [];
  for (const name of names) {
    const path = await locate(context.root, name);
    if (path === undefined) continue;
    const isDirectory = (await lstat(join(context.root, path))).isDirectory();
    if (mayHold(context, path, isDirectory)) found.push({ name, path, isDirectory });
  }
  return found;
}

/** Whether there may be something to copy at a path. */
export const mayHold = (context: Context, path: string, isDirectory: boolean): boolean =>
  !context.isIgnored(path) || (isDirectory && context.hasExceptions);

export const notFound = (message: string, cause?: unknown): EmberboxError =>
  new EmberboxError("file_not_found", message, {
    cause,
    hint: "Name files relative to `fileContextPath`, and look at `.dockerignore` and `fileIgnorePatterns`.",
  });

/** The names below a directory that a pattern fits. Links are not followed. */
async function namesLike(
  context: Context,
  directory: string,
  pattern: readonly string[],
): Promise<string[]> {
  const base = await locate(context.root, directory);
  if (base === undefined || !(await lstat(join(context.root, base))).isDirectory()) return [];
  const expression = globExpression(pattern.join("/"));
  const names: string[] = [];
  const look = async (path: string, levels: number): Promise<void> => {
    for (const child of await readdir(join(context.root, path), { withFileTypes: true })) {
      const name = join(path, child.name);
      if (!mayHold(context, name, child.isDirectory())) continue;
      if (expression.test(relative(base, name))) names.push(name);
      if (child.isDirectory() && levels > 1) await look(name, levels - 1);
    }
  };
  await look(base, pattern.some((part) => part.includes("**")) ? Infinity : pattern.length);
  return names.toSorted();
}

/**
 * Where a name leads, relative to the context; undefined when there is no such name. A link that leads out of the
 * context, or nowhere, stands for itself.
 */
async function locate(root: string, name: string): Promise<string | undefined> {
  const real = await realFrom(root, name);
  if (real !== undefined && isInside(real)) return real;
  const parent = await realFrom(root, dirname(name));
  if (parent === undefined) return undefined;
  if (!isInside(parent)) {
    throw new EmberboxError(
      "invalid_path",
      `${JSON.stringify(name)} leads out of the context ${root}`,
      { hint: "Copy the files into the context, or choose another one with `fileContextPath`." },
    );
  }
  const link = join(parent, basename(name));
  return lstat(join(root, link)).then(
    () => link,
    () => undefined,
  );
}

const realFrom = (root: string, name: string): Promise<string | undefined> =>
  realpath(join(root, name)).then(
    (real) => relative(root, real),
    () => undefined,
  );

const isInside = (path: string): boolean => path.split("/")[0] !== ".." && !isAbsolute(path);
