import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** Bundled as CommonJS, this module has none. */
const hereUrl = import.meta.url as string | undefined;

/** Strict package managers let us see only our own dependencies; the running program has more. */
function programUrl(): string | undefined {
  const file = process.argv[1];
  return file === undefined ? undefined : String(pathToFileURL(file));
}

/** Loads a package that may be missing, as this module or the running program sees it. */
export function loadOptional(name: string): unknown {
  return loadFrom(hereUrl, name) ?? loadFrom(programUrl(), name);
}

/** Loads a package as the module at `url` would. By `require`, which bundlers leave to the program when it runs. */
function loadFrom(url: string | undefined, name: string): unknown {
  if (url === undefined) return undefined;
  try {
    return createRequire(url)(name) as unknown;
  } catch (error) {
    if (isNotInstalled(error, name)) return undefined;
    throw error;
  }
}

/** True only when the package itself is missing: when a dependency of it is missing, that error is passed on. */
function isNotInstalled(error: unknown, name: string): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "MODULE_NOT_FOUND" && error.message.includes(`'${name}'`);
}
