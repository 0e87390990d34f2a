import {
  type Manifest,
  normalizeSandboxClientCreateArgs,
  type SandboxClient,
  type SandboxClientCreateArgs,
  type SandboxClientResumeOptions,
  type SandboxPreservedSessionReuseOptions,
  type SandboxSessionResumeValidationInput,
  type SandboxSessionSerializationOptions,
  SandboxSnapshotNotRestorableError,
  type SnapshotSpec,
} from "@openai/agents-core/sandbox";
import { ZodError } from "zod";
import { providerError } from "./failure.ts";
import { Materializer } from "./manifest/materialize.ts";
import { ownManifest } from "./manifest/own.ts";
import { checkManifest, foldersOf } from "./manifest/supported.ts";
import {
  type ClientOptions,
  type EmberboxSandboxClientOptions,
  resolveClientOptions,
  type Settings,
} from "./options.ts";
import {
  createSessionSandbox,
  findSessionSandbox,
  type SessionSandbox,
  providerOf,
} from "./session-sandbox.ts";
import { EmberboxSandboxSession, liveSessionOf } from "./session.ts";
import { unpackWorkspace } from "./snapshots/archive.ts";
import { deleteSnapshot, loadArchive, storeOf } from "./snapshots/snapshots.ts";
import {
  deserializeState,
  type EmberboxSessionState,
  parseSaved,
  serializeState,
} from "./state.ts";

/** How a session that was saved is kept: as the program says, and as it was where the program says nothing. */
function specFor(
  { snapshotSpec }: { readonly snapshotSpec?: SnapshotSpec | null | undefined },
  { snapshot }: Settings,
): SnapshotSpec | undefined {
  if (!snapshotSpec || (snapshot !== undefined && snapshot.type !== snapshotSpec.type))
    return snapshot;
  const spec = { ...snapshotSpec, ...snapshot };
  // A store cannot be saved: without one, nothing can be said of how it is kept.
  return spec.type === "remote" && spec["store"] === undefined ? undefined : spec;
}

const BACKEND_ID = "emberbox";
type State = EmberboxSessionState;

/** Provides sandboxes for the `sandbox` option of `run` and `Runner`: one per session, created when the run begins. */
export class EmberboxSandboxClient implements SandboxClient<ClientOptions, State> {
  readonly backendId: string = BACKEND_ID;
  readonly #options: EmberboxSandboxClientOptions;

  /** @throws `invalid_argument` */
  constructor(options: EmberboxSandboxClientOptions = {}) {
    resolveClientOptions(options, undefined);
    this.#options = options;
  }

  /**
   * Creates a session. Options that cannot be honoured are refused before anything is created, and a failure leaves
   * nothing behind.
   */
  async create(
    first?: SandboxClientCreateArgs<ClientOptions> | Manifest,
    second?: ClientOptions,
  ): Promise<EmberboxSandboxSession> {
    const given =
      first !== undefined && "root" in first ? { manifest: first, options: second } : first;
    const { manifest, options, snapshot, concurrencyLimits, archiveLimits } =
      normalizeSandboxClientCreateArgs({
        ...given,
        ...(given?.manifest !== undefined && { manifest: ownManifest(given.manifest) }),
      } as SandboxClientCreateArgs<ClientOptions>);
    const asked = {
      ...options,
      ...(concurrencyLimits && { concurrencyLimits }),
      ...(archiveLimits !== undefined && { archiveLimits }),
    };
    const settings = resolveClientOptions(this.#options, asked);
    checkManifest(manifest);
    const environment = await manifest.resolveEnvironment();
    const spec = snapshot ?? settings.snapshot;
    const found = await createSessionSandbox(settings, spec, foldersOf(manifest));
    return this.#keepOrEnd(found, async () => {
      await new Materializer(found.sandbox, manifest, settings.limits).all(manifest);
      const state: State = {
        manifest,
        environment,
        sandboxId: found.sandbox.sandboxId,
        snapshotSpec: spec ?? null,
        configuredExposedPorts: settings.exposedPorts ?? [],
        workspaceReady: true,
      };
      return this.#session(found, state, settings, spec);
    });
  }

  /** Checks that the state is one of ours, and that the given options suffice to resume it. */
  validateSessionStateForResume(
    { state }: SandboxSessionResumeValidationInput<State>,
    options?: SandboxClientResumeOptions<ClientOptions>,
  ): void {
    const settings = resolveClientOptions(this.#options, options?.clientOptions);
    try {
      const { snapshot } = parseSaved(state);
      if (snapshot?.type === "remote") storeOf(specFor(state as Partial<State>, settings));
    } catch (cause) {
      if (!(cause instanceof ZodError)) throw cause;
      throw new SandboxSnapshotNotRestorableError("This is not the state of an Emberbox session", {
        cause,
      });
    }
  }

  /**
   * Continues where a session stopped: in its sandbox while it exists, running or paused, otherwise from its snapshot.
   * @throws `SandboxSnapshotNotRestorableError` when both are gone; a session never starts empty instead
   */
  async resume(
    state: State,
    { archiveLimits, clientOptions }: SandboxClientResumeOptions<ClientOptions> = {},
  ): Promise<EmberboxSandboxSession> {
    const settings = resolveClientOptions(this.#options, {
      ...clientOptions,
      ...(archiveLimits !== undefined && { archiveLimits }),
    });
    checkManifest(state.manifest);
    const spec = specFor(state, settings);
    state.snapshotSpec = spec ?? null;
    if (settings.exposedPorts !== undefined) state.configuredExposedPorts = settings.exposedPorts;
    const known = await findSessionSandbox(state.sandboxId, settings);
    if (known === undefined) return this.#restore(state, settings, spec);
    return this.#session(known, state, settings, spec);
  }

  /**
   * Serializes a session, and keeps it: paused or archived while a run waits, and as `snapshot` says at the run's end.
   * When you call it yourself, the workspace is kept as `snapshot` says, or else in an archive on this machine, so that
   * it can be resumed once the session is closed; `delete` removes the archive.
   */
  async serializeSessionState(
    state: State,
    options: SandboxSessionSerializationOptions = {},
  ): Promise<Record<string, unknown>> {
    const { preserveOwnedSession, willCloseAfterSerialize } = options;
    const session = liveSessionOf(state);
    // The runner says why it asks; only a program's own call does not.
    if (preserveOwnedSession === undefined && willCloseAfterSerialize === undefined) {
      await session?.lifecycle.keep("asked");
    } else if (preserveOwnedSession === true) await session?.lifecycle.keep("wait");
    else if (willCloseAfterSerialize === true) await session?.lifecycle.keep("end");
    return serializeState(state);
  }

  /** Restores serialized state, which is checked first. */
  deserializeSessionState(record: Record<string, unknown>): Promise<State> {
    return deserializeState(record);
  }

  /** At the end of a run, only what was asked for is kept. */
  canPersistOwnedSessionState(state: State): boolean {
    return liveSessionOf(state)?.lifecycle.keepsAfterRun ?? false;
  }

  /** A session can be reused until it has ended. */
  canReusePreservedOwnedSession(
    state: State,
    _options?: SandboxPreservedSessionReuseOptions<ClientOptions>,
  ): boolean {
    return liveSessionOf(state)?.lifecycle.ended === false;
  }

  /** Ends a session, given its state, and deletes everything that was kept of it. */
  async delete(state: State): Promise<void> {
    const session = liveSessionOf(state);
    await session?.delete();
    const settings = resolveClientOptions(this.#options, undefined);
    const provider = await providerOf(settings);
    if (provider === undefined) return;
    await provider.kill(state.sandboxId);
    if (state.snapshot) await deleteSnapshot(state.snapshot, provider, specFor(state, settings));
    state.snapshot = null;
  }

  async #restore(
    state: State,
    settings: Settings,
    spec: SnapshotSpec | undefined,
  ): Promise<EmberboxSandboxSession> {
    const { snapshot } = state;
    if (!snapshot) {
      throw new SandboxSnapshotNotRestorableError(
        `The session's sandbox ${state.sandboxId} is gone, and nothing was kept of it. Keep it with the client's option ` +
          '`snapshot: { type: "local" }`.',
        { sandboxId: state.sandboxId },
      );
    }
    const machine = snapshot.type === "emberbox";
    const archive = machine ? undefined : await loadArchive(state, spec);
    const found = await createSessionSandbox(
      settings,
      spec,
      foldersOf(state.manifest),
      machine ? snapshot.id : undefined,
    ).catch((cause: unknown) => {
      if (!machine) throw cause;
      throw new SandboxSnapshotNotRestorableError(
        `The machine that was kept, ${snapshot.id}, cannot be restored`,
        {
          snapshot,
          cause,
        },
      );
    });
    return this.#keepOrEnd(found, async () => {
      const { sandbox } = found;
      const { manifest } = state;
      if (archive !== undefined) {
        await new Materializer(sandbox, manifest, settings.limits).all(manifest, () => false);
        await unpackWorkspace(sandbox, manifest.root, archive, settings.archiveLimits);
        await new Materializer(sandbox, manifest, settings.limits).all(
          manifest,
          ({ ephemeral }) => ephemeral === true,
        );
      }
      state.sandboxId = sandbox.sandboxId;
      state.workspaceReady = true;
      return this.#session(found, state, settings, spec);
    });
  }

  async #session(
    found: SessionSandbox,
    state: State,
    settings: Settings,
    spec: SnapshotSpec | undefined,
  ): Promise<EmberboxSandboxSession> {
    const session = new EmberboxSandboxSession({
      ...settings,
      ...found,
      state,
      spec,
    });
    await session.exposePorts();
    return session;
  }

  /** Runs `work`, and ends the sandbox if it fails. */
  async #keepOrEnd<T>({ sandbox, provider }: SessionSandbox, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await provider?.kill(sandbox.sandboxId).catch(() => {});
      throw providerError(error, "prepare");
    }
  }
}
