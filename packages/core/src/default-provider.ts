import { e2b } from "./e2b/provider.ts";
import { EmberboxError } from "./errors.ts";
import { loadOptional } from "./optional-package.ts";
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
    const { microvm } = (loadOptional(name) as EngineModule | undefined) ?? {};
    if (microvm !== undefined) return microvm();
  }
  throw new EmberboxError(
    "provider_missing",
    "No provider was given, and `@emberbox/microvm`, the engine on this machine, is not installed",
  );
}

type EngineModule = { readonly microvm?: () => SandboxProvider };
