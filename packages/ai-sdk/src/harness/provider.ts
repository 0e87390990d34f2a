import { z } from "zod";
import { EmberboxError, Sandbox, type SandboxInfo } from "@emberbox/core";
import { SharedWork } from "@emberbox/core/concurrency";
import { type FieldsOf, parseOptions } from "@emberbox/core/options";
import type { SandboxProvider } from "@emberbox/core/provider";
import { resolveSource, type SandboxSource } from "@emberbox/core/tools";
import type { RestrictedSandboxSession } from "../session/types.ts";
import { networkSession, type NetworkSandboxSession, portsSchema } from "./network-session.ts";
import { NetworkState } from "./network-state.ts";
import { Preparations, type FirstCreate } from "./preparations.ts";

/** Options of `createEmberboxSandbox`. */
export interface HarnessSandboxOptions {
  /** Ports of servers in the sandbox that the harness connects to; others are refused. @default any, listed as none */
  readonly ports?: readonly number[] | undefined;
}

interface CreateSessionOptions {
  /** The id by which `resumeSession` finds the sandbox again, and so does another `createSession`. */
  readonly sessionId?: string;
  readonly abortSignal?: AbortSignal;
  /** With `onFirstCreate`: identifies the snapshot of what it did, from which every later session starts. */
  readonly identity?: string;
  readonly onFirstCreate?: FirstCreate<RestrictedSandboxSession>;
}

/** A `HarnessV1SandboxProvider` of `@ai-sdk/harness`. */
export interface EmberboxHarnessProvider {
  readonly specificationVersion: "harness-sandbox-v1";
  readonly providerId: "emberbox";
  /** Creates a sandbox, or uses the one that was given. @throws what `Sandbox.create` does, and `onFirstCreate`'s error */
  readonly createSession: (options?: CreateSessionOptions) => Promise<NetworkSandboxSession>;
  /** Finds the sandbox of a session, and resumes it if it is paused. @throws `sandbox_not_found` */
  readonly resumeSession: (options: {
    sessionId: string;
    abortSignal?: AbortSignal;
  }) => Promise<NetworkSandboxSession>;
}

/** The metadata key that holds the session's id. */
const LABEL = "harness-session";
const LIFETIME_MS = 3_600_000;

const schema = z.strictObject({
  ports: portsSchema.optional().describe(portsSchema.description!),
} satisfies FieldsOf<HarnessSandboxOptions>);

/**
 * Sandboxes for agents of `@ai-sdk/harness`, one per session. They live for an hour unless the options of the source
 * say otherwise. `stop` pauses them where the provider can, and `resumeSession` continues there. A sandbox that was
 * given serves all sessions, and is never ended.
 * @throws `invalid_argument`
 */
export function createEmberboxSandbox(
  source?: SandboxSource,
  options: HarnessSandboxOptions = {},
): EmberboxHarnessProvider {
  const { ports } = parseOptions(schema, options);
  const { given, create, provider } = resolveSource(source);
  const preparations = new Preparations();
  /** By sandbox, for whoever finds it again. */
  const networks = new Map<string, NetworkState>();
  const lifetime = { timeoutMs: create.timeoutMs ?? LIFETIME_MS };
  const stateOf = (sandbox: Sandbox, access: SandboxInfo["network"]): NetworkState => {
    const { sandboxId, ended } = sandbox;
    const known = networks.get(sandboxId);
    if (known !== undefined) return known;
    const rules = typeof create.network === "object" ? create.network.rules : undefined;
    const state = new NetworkState(access, rules);
    ended?.addEventListener("abort", () => networks.delete(sandboxId), { once: true });
    networks.set(sandboxId, state);
    return state;
  };
  const session = (
    sandbox: Sandbox,
    known?: SandboxProvider,
    sessionId?: string,
    access?: SandboxInfo["network"],
  ): NetworkSandboxSession => {
    const network = known && stateOf(sandbox, access);
    const id = sessionId ?? sandbox.sandboxId;
    const resumable = sessionId !== undefined;
    return networkSession(sandbox, { id, ports, network, resumable, provider: known });
  };
  const created = async (options: CreateSessionOptions): Promise<NetworkSandboxSession> => {
    const { sessionId, abortSignal: signal, identity, onFirstCreate } = options;
    const known = await provider();
    const labels = {
      "emberbox.adapter": "ai-sdk",
      ...create.metadata,
      ...(sessionId !== undefined && { [LABEL]: sessionId }),
    };
    const made = (more: object): Promise<Sandbox> =>
      Sandbox.create({ ...create, ...lifetime, provider: known, signal, ...more });
    const first = onFirstCreate && {
      identity,
      create: () => made({}),
      run: (sandbox: Sandbox) =>
        onFirstCreate(session(sandbox).restricted(), {
          ...(signal && { abortSignal: signal }),
        }),
    };
    const template = first && (await preparations.snapshot(known, create, first, signal));
    const sandbox = await made({ metadata: labels, ...(template !== undefined && { template }) });
    try {
      if (first !== undefined && template === undefined) await first.run(sandbox);
    } catch (error) {
      await sandbox.kill();
      throw error;
    }
    return session(sandbox, known, sessionId, create.network ?? true);
  };
  const found = async (
    sessionId: string,
    signal: AbortSignal | undefined,
  ): Promise<NetworkSandboxSession | undefined> => {
    const known = await provider();
    const info = (await known.list()).find(
      ({ sandboxId, metadata }) => metadata[LABEL] === sessionId || sandboxId === sessionId,
    );
    if (info === undefined) return undefined;
    const how = { ...lifetime, provider: known, signal };
    const sandbox = await Sandbox.connect(info.sandboxId, how);
    return session(sandbox, known, sessionId, info.network);
  };
  const creating = new SharedWork<NetworkSandboxSession>({ keeps: false });
  return {
    specificationVersion: "harness-sandbox-v1",
    providerId: "emberbox",

    async createSession(options = {}) {
      if (given !== undefined) return session(given);
      const { sessionId, abortSignal } = options;
      if (sessionId === undefined) return created(options);
      // An id stands for one sandbox: the one that has it, even while it is being created.
      return creating.get(
        sessionId,
        async (signal) =>
          (await found(sessionId, signal)) ?? created({ ...options, abortSignal: signal }),
        abortSignal,
      );
    },

    async resumeSession({ sessionId, abortSignal }) {
      if (given !== undefined) return session(given);
      const known = await found(sessionId, abortSignal);
      if (known !== undefined) return known;
      throw new EmberboxError(
        "sandbox_not_found",
        `There is no sandbox of the session ${JSON.stringify(sessionId.slice(0, 100))}`,
      );
    },
  };
}
