import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";

/** How an installed Jupyter kernel is started, according to its `kernel.json`. */
export interface Kernelspec {
  /** The name of its directory. */
  readonly name: string;
  /** The directory of `kernel.json`. */
  readonly directory: string;
  /** The language that it claims to run, in lower case. */
  readonly language: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** How running code is interrupted. */
  readonly interruptMode: "signal" | "message";
  /** How it does what Jupyter's protocol has no message for: as its language does, unless it says otherwise. */
  readonly dialect: string;
}

const MAX_SPEC_BYTES = 64 * 1024;
/** How many directories are looked at in one place. */
const MAX_SPECS = 200;
const NAME = /^[\w.-]{1,100}$/;

/** Where kernels are installed, the user's own first. */
export function kernelDirectories(
  home: string,
  envs: Readonly<Record<string, string | undefined>>,
): string[] {
  const given = (envs["JUPYTER_PATH"] ?? "").split(":").filter((path) => path.startsWith("/"));
  const user = envs["JUPYTER_DATA_DIR"] ?? join(home, ".local/share/jupyter");
  const all = [...given, user, "/usr/local/share/jupyter", "/usr/share/jupyter"];
  return all.map((path) => join(path, "kernels"));
}

/** The kernels that are installed now; of two with the same name, the first one found. */
export function findKernelspecs(directories: readonly string[]): Kernelspec[] {
  const found = new Map<string, Kernelspec>();
  for (const parent of directories) {
    for (const name of namesIn(parent)) {
      if (found.has(name.toLowerCase())) continue;
      const spec = readKernelspec(parent, name);
      if (spec !== undefined) found.set(name.toLowerCase(), spec);
    }
  }
  return [...found.values()];
}

function namesIn(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => NAME.test(name));
    return names.toSorted().slice(0, MAX_SPECS);
  } catch {
    return [];
  }
}

/** What a `kernel.json` says; `undefined` if it is not valid, since anybody may have written it. */
function readKernelspec(parent: string, name: string): Kernelspec | undefined {
  const directory = join(parent, name);
  const spec = readJson(join(directory, "kernel.json"));
  if (spec === undefined) return undefined;
  const { argv, env, language: claimed, interrupt_mode, metadata } = spec;
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every(isString)) return undefined;
  const variables = Object.entries(typeof env === "object" && env !== null ? env : {});
  const language = (isString(claimed) && claimed !== "" ? claimed : name).toLowerCase();
  const { emberbox } = (metadata ?? {}) as { readonly emberbox?: unknown };
  return {
    name,
    directory,
    language,
    dialect: isString(emberbox) ? emberbox : language,
    argv,
    env: Object.fromEntries(
      variables.filter((pair): pair is [string, string] => isString(pair[1])),
    ),
    interruptMode: interrupt_mode === "message" ? "message" : "signal",
  };
}

function readJson(path: string): Record<string, unknown> | undefined {
  let file: number | undefined;
  try {
    // A pipe of that name must not block.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!fstatSync(file).isFile()) return undefined;
    const buffer = Buffer.alloc(MAX_SPEC_BYTES);
    const value: unknown = JSON.parse(buffer.toString("utf8", 0, readSync(file, buffer)));
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function isString(value: unknown): value is string {
  return typeof value === "string" && !value.includes("\0");
}
