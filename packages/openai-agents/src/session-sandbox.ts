import { EmberboxError, Sandbox } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import { copyAt } from "@emberbox/core/tools";
import type { WorkspaceOptions } from "@emberbox/core/workspace";
import { SandboxSnapshotNotRestorableError, type SnapshotSpec } from "@openai/agents-core/sandbox";
import { providerError, unsupported } from "./failure.ts";
import { ADAPTER, type Settings } from "./options.ts";
import { checkSpec } from "./snapshots/snapshots.ts";
import type { EmberboxSessionState } from "./state.ts";

/** How long a sandbox lives after its last use unless the options say otherwise, in milliseconds. */
const LIFETIME_MS = 30 * 60_000;

/** Where a session works. */
export interface SessionSandbox {
  readonly sandbox: Sandbox;
  /** `undefined` when the sandbox was given, which is then never ended or paused. */
  readonly provider: SandboxProvider | undefined;
  readonly lifetimeMs: number;
}

/** The given sandbox, or a new one with these folders. @throws `SandboxProviderError` */
export async function createSessionSandbox(
  settings: Settings,
  spec: SnapshotSpec | undefined,
  folders: readonly WorkspaceOptions[],
  template?: string,
): Promise<SessionSandbox> {
  const { given, create, provider } = settings.source;
  if (given !== undefined) {
    const missing = folders.find(
      ({ guest }) => !given.workspaces.some((there) => there.guest === guest),
    );
    if (missing === undefined) return givenSandbox(given);
    throw unsupported(
      `A sandbox was given, which does not have ${missing.host} at ${missing.guest}. Create it with that in \`workspaces\`.`,
      "manifest.mount",
    );
  }
  try {
    const known = await provider();
    checkSpec(spec, known);
    checkCheckpoints(settings, known);
    const lifetimeMs = create.timeoutMs ?? LIFETIME_MS;
    const { signal } = settings;
    const sandbox = await Sandbox.create({
      ...create,
      metadata: { "emberbox.adapter": ADAPTER, ...create.metadata },
      provider: known,
      timeoutMs: lifetimeMs,
      ...(template !== undefined && { template }),
      ...(folders.length > 0 && withFolders(create, folders)),
      ...(signal && { signal }),
    });
    return { sandbox, provider: known, lifetimeMs };
  } catch (error) {
    throw providerError(error, "create");
  }
}

/** The folders of the manifest, after those of the client's options. */
function withFolders(
  { workspace, workspaces }: Settings["source"]["create"],
  folders: readonly WorkspaceOptions[],
): Pick<Settings["source"]["create"], "workspace" | "workspaces"> {
  const own = workspaces ?? (workspace === undefined ? [] : [workspace]);
  return { workspace: undefined, workspaces: [...own, ...folders] };
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

/**
 * A copy of the machine as it was when the state was saved, for a session whose sandbox is gone; `undefined` when its
 * checkpoint is gone, too, or there was none. @throws `SandboxProviderError`
 */
export async function branchOf(
  { position }: EmberboxSessionState,
  settings: Settings,
): Promise<SessionSandbox | undefined> {
  const { given, create, provider } = settings.source;
  if (settings.checkpoints === undefined || position === undefined || given !== undefined)
    return undefined;
  try {
    const known = await provider();
    const timeoutMs = create.timeoutMs ?? LIFETIME_MS;
    const options = { provider: known, timeoutMs, audit: create.audit, signal: settings.signal };
    const sandbox = await copyAt(position, options);
    return { sandbox, provider: known, lifetimeMs: timeoutMs };
  } catch (error) {
    const isGone =
      EmberboxError.isInstance(error) &&
      (error.kind === "lost" || error.code === "checkpoint_not_found");
    if (isGone) return undefined;
    throw providerError(error, "resume");
  }
}

/** The provider to use; `undefined` when a sandbox was given. */
export async function providerOf(settings: Settings): Promise<SandboxProvider | undefined> {
  const { given, provider } = settings.source;
  return given === undefined ? provider() : undefined;
}

/** A provider that was not known before. */
function checkCheckpoints(
  { checkpoints }: Settings,
  { name, capabilities }: SandboxProvider,
): void {
  if (checkpoints === undefined || capabilities.checkpoints === true) return;
  throw unsupported(`The provider ${name} cannot make checkpoints.`, "checkpoints");
}

function givenSandbox(sandbox: Sandbox): SessionSandbox {
  return { sandbox, provider: undefined, lifetimeMs: LIFETIME_MS };
}
