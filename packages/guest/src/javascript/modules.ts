import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { IMPORTER } from "./cell.ts";

/** Gives cells `import`, `import.meta`, `require` and `module`, which find packages from the working directory. */
export function provideModules(): void {
  const module = { exports: {} };
  define("module", module);
  define("exports", module.exports);
  define(
    "require",
    Object.assign((name: string): unknown => requireHere()(name), {
      resolve: (name: string, options?: { paths?: string[] }): string =>
        requireHere().resolve(name, options),
      main: module,
      get cache() {
        return requireHere().cache;
      },
    }),
  );
  const importer = async (specifier: unknown, options?: ImportCallOptions): Promise<unknown> =>
    import(resolve(String(specifier)), options);
  /** Static imports name what they need, and fail if it is missing. */
  const having =
    (...names: string[]) =>
    async (specifier: unknown, options?: ImportCallOptions): Promise<unknown> => {
      const module = (await importer(specifier, options)) as object;
      const missing = names.find((name) => !(name in module));
      if (missing === undefined) return module;
      throw new SyntaxError(
        `The requested module '${String(specifier)}' does not provide an export named '${missing}'${exportsOf(module)}`,
      );
    };
  const meta = {
    get url() {
      return cellUrl();
    },
    get dirname() {
      return process.cwd();
    },
    get filename() {
      return cellPath();
    },
    resolve,
  };
  const constant = new Proxy(
    {},
    {
      set() {
        throw new TypeError("Assignment to constant variable.");
      },
    },
  );
  const value = Object.assign(importer, { meta, having, constant });
  Object.defineProperty(globalThis, IMPORTER, { value });
  for (const [name, get] of [
    ["__dirname", () => process.cwd()],
    ["__filename", cellPath],
  ] as const)
    Object.defineProperty(globalThis, name, {
      get,
      set(value) {
        define(name, value);
      },
      configurable: true,
    });
}

/** For a module with more exports than this, listing their names would help nobody. */
const MAX_NAMES = 20;

function exportsOf(module: object): string {
  const names = Object.keys(module);
  if (names.length === 0 || names.length > MAX_NAMES) return "";
  return `. It has: ${names.join(", ")}`;
}

function resolve(specifier: string): string {
  // The second argument needs a flag of Node's, which the agent gives.
  return import.meta.resolve(specifier, cellUrl());
}

function requireHere(): NodeJS.Require {
  return createRequire(cellPath());
}

function cellPath(): string {
  return join(process.cwd(), "cell.js");
}

function cellUrl(): string {
  return pathToFileURL(cellPath()).href;
}

function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}
