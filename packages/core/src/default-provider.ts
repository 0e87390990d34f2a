import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { e2b } from "./e2b/provider.ts";
import { EmberboxError } from "./errors.ts";
import type { SandboxProvider } from "./provider.ts";
import { parseProviderOptions } from "./sandbox-options.ts";

/** The providers that `EMBERBOX_PROVIDER` can name. */
const providers: Readonly<Record<string, () => SandboxProvider | Promise<SandboxProvider>>> = {
  microvm: loadEngine,
  e2b: () => e2b(),
};

/** Packages that contain the local engine; neither is a dependency of this package. */
const ENGINES = ["@emberbox/microvm", "emberbox"];

const SHARED: unique symbol = Symbol.for("emberbox.default-provider");
/** Package managers may install several copies of this package; a program must still have only one engine. */
const program = globalThis as { [SHARED]?: Promise<SandboxProvider> | undefined };

/**
 * The provider used when none is given: the one that `EMBERBOX_PROVIDER` names, else the engine on this machine. It is
 * created once per program, does nothing before its first sandbox, and ends with the program.
 * @throws `provider_missing`, `invalid_argument`, and what creating the provider throws
 */
export function defaultProvider(): Promise<SandboxProvider> {
  program[SHARED] ??= choose().catch((error: unknown) => {
    program[SHARED] = undefined;
    throw error;
  });
  return program[SHARED];
}

/** The provider in `options`, or the program's default. */
export async function providerOf(options: unknown): Promise<SandboxProvider> {
  return parseProviderOptions(options).provider ?? defaultProvider();
}

async function choose(): Promise<SandboxProvider> {
  const name = process.env["EMBERBOX_PROVIDER"] || "microvm";
  const make = Object.hasOwn(providers, name) ? providers[name] : undefined;
  if (make !== undefined) return make();
  throw new EmberboxError(
    "invalid_argument",
    `EMBERBOX_PROVIDER is \`${name}\`; the providers are: ${Object.keys(providers).join(", ")}`,
  );
}

function loadEngine(): SandboxProvider {
  for (const name of ENGINES) {
    const { microvm } = loadFrom(hereUrl, name) ?? loadFrom(programUrl(), name) ?? {};
    if (microvm !== undefined) return microvm();
  }
  throw new EmberboxError(
    "provider_missing",
    "No provider was given, and `@emberbox/microvm`, the engine on this machine, is not installed",
  );
}

type EngineModule = { readonly microvm?: () => SandboxProvider };

/** Bundled as CommonJS, this module has none. */
const hereUrl = import.meta.url as string | undefined;

/** Strict package managers let us see only our own dependencies; the running program has more. */
function programUrl(): string | undefined {
  const file = process.argv[1];
  return file === undefined ? undefined : String(pathToFileURL(file));
}

/** Loads a package as the module at `url` would. By `require`, which bundlers leave to the program when it runs. */
function loadFrom(url: string | undefined, name: string): EngineModule | undefined {
  if (url === undefined) return undefined;
  try {
    return createRequire(url)(name) as EngineModule;
  } catch (error) {
    if (isNotInstalled(error, name)) return undefined;
    throw error;
  }
}

/**
 * True only when the package itself is missing: when a dependency of the engine is missing, that error is passed on.
 */
function isNotInstalled(error: unknown, name: string): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "MODULE_NOT_FOUND" && error.message.includes(`'${name}'`);
}
