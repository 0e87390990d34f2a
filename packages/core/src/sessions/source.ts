import { EmberboxError } from "../errors.ts";
import type { CreateOptions, SandboxProvider } from "../provider.ts";
import { Sandbox } from "../sandbox.ts";
import {
  type AuditedOptions,
  parseSourceOptions,
  refuseUnclaimed,
  type SandboxCreateOptions,
} from "../sandbox-options.ts";
import { defaultProvider } from "../default-provider.ts";

/** Options for the sandboxes that sessions create. */
export type SessionCreateOptions = Omit<SandboxCreateOptions, "signal">;

/**
 * Where sandboxes come from: an existing sandbox, a provider, options for creating sandboxes, or nothing for the
 * default provider. Whatever is passed in stays yours.
 */
export type SandboxSource = Sandbox | SandboxProvider | SessionCreateOptions | undefined;

/** A resolved `SandboxSource`. */
export interface ResolvedSource {
  /** The one sandbox of all conversations, if one was given. */
  readonly given: Sandbox | undefined;
  /** Options for the sandboxes to be created. */
  readonly create: Omit<CreateOptions, "signal"> & AuditedOptions;
  /** The provider, if one was given; available without any work. */
  readonly known: SandboxProvider | undefined;
  /** The provider, given or the default one. @throws `provider_missing`; `sandbox_closed` when a sandbox was given */
  provider(): Promise<SandboxProvider>;
}

/**
 * Finds out what a source is.
 * @throws `invalid_argument`, and `unsupported` for options of capabilities that the given provider does not claim
 */
export function resolveSource(source: SandboxSource): ResolvedSource {
  if (isSandbox(source)) {
    return { given: source, create: {}, known: undefined, provider: noProvider };
  }
  if (isProvider(source)) return fromProvider(source, {});
  if (source !== undefined && (typeof source !== "object" || source === null)) {
    throw new EmberboxError(
      "invalid_argument",
      `Expected a sandbox, a provider, options for creating sandboxes, or nothing, got ${typeof source}`,
    );
  }
  const { provider, ...create } = parseSourceOptions(source);
  if (provider !== undefined) refuseUnclaimed(provider, create);
  return fromProvider(provider, create);
}

function fromProvider(
  known: SandboxProvider | undefined,
  create: ResolvedSource["create"],
): ResolvedSource {
  const provider = async (): Promise<SandboxProvider> => known ?? defaultProvider();
  return { given: undefined, create, known, provider };
}

/** Recognizes a `Sandbox` of any copy of this package. */
function isSandbox(value: unknown): value is Sandbox {
  if (value instanceof Sandbox) return true;
  return has(value, "runCode") && has(value, "sandboxId");
}

function isProvider(value: unknown): value is SandboxProvider {
  return has(value, "capabilities") && has(value, "create");
}

function has(value: unknown, name: string): boolean {
  return typeof value === "object" && value !== null && name in value;
}

/** Stands in where a sandbox was given, which is never replaced. */
async function noProvider(): Promise<never> {
  throw new EmberboxError("sandbox_closed", "The sandbox that was given is gone");
}
