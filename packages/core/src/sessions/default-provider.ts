import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { EmberboxError } from "../errors.ts";
import type { SandboxProvider } from "../provider.ts";

/** Packages that have the engine of this machine; neither is a dependency of this one. */
const ENGINES = ["@emberbox/microvm", "emberbox"];

let shared: Promise<SandboxProvider> | undefined;

/**
 * The engine on this machine, made once for the whole program: it does nothing before its first sandbox, and ends
 * with the program. @throws `provider_missing`
 */
export function defaultProvider(): Promise<SandboxProvider> {
  shared ??= load().catch((error: unknown) => {
    shared = undefined;
    throw error;
  });
  return shared;
}

async function load(): Promise<SandboxProvider> {
  for (const name of ENGINES) {
    const { microvm } = (await importFromHere(name)) ?? (await importFromProgram(name)) ?? {};
    if (microvm !== undefined) return microvm();
  }
  throw new EmberboxError(
    "provider_missing",
    "No provider was given, and `@emberbox/microvm`, the engine on this machine, is not installed",
  );
}

type EngineModule = { readonly microvm?: () => SandboxProvider };

async function importFromHere(name: string): Promise<EngineModule | undefined> {
  try {
    return (await import(name)) as EngineModule;
  } catch (error) {
    if (isNotInstalled(error, name)) return undefined;
    throw error;
  }
}

/** As the running program would import it: strict package managers show us only our own dependencies. */
async function importFromProgram(name: string): Promise<EngineModule | undefined> {
  const program = process.argv[1];
  if (program === undefined) return undefined;
  try {
    const found = createRequire(pathToFileURL(program)).resolve(name);
    return (await import(String(pathToFileURL(found)))) as EngineModule;
  } catch (error) {
    if (isNotInstalled(error, name)) return undefined;
    throw error;
  }
}

/** That something which the engine needs is missing is another matter, and is told as it is. */
function isNotInstalled(error: unknown, name: string): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  const missing = error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND";
  return missing && error.message.includes(`'${name}'`);
}
