import { EmberboxError, Sandbox } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import { SandboxSnapshotNotRestorableError, type SnapshotSpec } from "@openai/agents-core/sandbox";
import { providerError } from "./failure.ts";
import type { Settings } from "./options.ts";
import { checkSpec } from "./snapshots/snapshots.ts";

/** How long a sandbox lives after its last use unless the options say otherwise, in milliseconds. */
const LIFETIME_MS = 30 * 60_000;

/** Where a session works. */
export interface SessionSandbox {
  readonly sandbox: Sandbox;
  /** `undefined` when the sandbox was given, which is then never ended or paused. */
  readonly provider: SandboxProvider | undefined;
  readonly lifetimeMs: number;
}

/** The given sandbox, or a new one. @throws `SandboxProviderError` */
export async function createSessionSandbox(
  settings: Settings,
  spec: SnapshotSpec | undefined,
  template?: string,
): Promise<SessionSandbox> {
  const { given, create, provider } = settings.source;
  if (given !== undefined) return givenSandbox(given);
  try {
    const known = await provider();
    checkSpec(spec, known);
    const lifetimeMs = create.timeoutMs ?? LIFETIME_MS;
    const { signal } = settings;
    const sandbox = await Sandbox.create({
      ...create,
      metadata: { "emberbox.adapter": "openai-agents", ...create.metadata },
      provider: known,
      timeoutMs: lifetimeMs,
      ...(template !== undefined && { template }),
      ...(signal && { signal }),
    });
    return { sandbox, provider: known, lifetimeMs };
  } catch (error) {
    throw providerError(error, "create");
  }
}

/** The sandbox with that id, resumed if it was paused; `undefined` when it is gone. @throws `SandboxProviderError` */
export async function findSessionSandbox(
  sandboxId: string,
  settings: Settings,
): Promise<SessionSandbox | undefined> {
  const { given, create, provider } = settings.source;
  if (given !== undefined) {
    if (given.sandboxId === sandboxId) return givenSandbox(given);
    throw new SandboxSnapshotNotRestorableError(
      `The session worked in the sandbox ${sandboxId}; the one that was given is ${given.sandboxId}.`,
      { sandboxId },
    );
  }
  try {
    const known = await provider();
    const lifetimeMs = create.timeoutMs ?? LIFETIME_MS;
    const { signal } = settings;
    const { audit } = create;
    const options = { provider: known, timeoutMs: lifetimeMs, audit, ...(signal && { signal }) };
    return { sandbox: await Sandbox.connect(sandboxId, options), provider: known, lifetimeMs };
  } catch (error) {
    if (EmberboxError.isInstance(error) && error.kind === "lost") return undefined;
    throw providerError(error, "resume");
  }
}

/** The provider to use; `undefined` when a sandbox was given. */
export async function providerOf(settings: Settings): Promise<SandboxProvider | undefined> {
  const { given, provider } = settings.source;
  return given === undefined ? provider() : undefined;
}

function givenSandbox(sandbox: Sandbox): SessionSandbox {
  return { sandbox, provider: undefined, lifetimeMs: LIFETIME_MS };
}
