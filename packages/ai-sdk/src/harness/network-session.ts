import { EmberboxError, type Sandbox } from "@emberbox/core";
import { parseOptions } from "@emberbox/core/options";
import type { SandboxProvider } from "@emberbox/core/provider";
import { factsOf, SandboxSessions } from "@emberbox/core/tools";
import { z } from "zod";
import { rememberConversation } from "../conversation.ts";
import { restrictedSession, sandboxSession } from "../session/session.ts";
import type { NetworkPolicy, RequestTransformation } from "./network-policy.ts";
import type { NetworkState } from "./network-state.ts";
import type { RestrictedSandboxSession, SandboxSession } from "../session/types.ts";

interface PortOptions {
  readonly port: number;
  readonly protocol?: "http" | "https" | "ws";
}

/** A session, plus what a harness does to the sandbox itself. */
export interface NetworkSandboxSession extends SandboxSession {
  /** The session's id, or else the sandbox's. */
  readonly id: string;
  /** Absolute; relative paths begin there. */
  readonly defaultWorkingDirectory: string;
  /** Those that `createEmberboxSandbox` or `setPorts` was given. */
  readonly ports: readonly number[];
  /**
   * Where a server in the sandbox is reached, and the headers that its requests need.
   * @throws `unsupported` for a port that is not one of `ports`, where any were given, and for `https` where the
   * provider's ports have no TLS
   */
  readonly getPortEndpoint: (
    options: PortOptions,
  ) => Promise<{ url: string; headers?: Record<string, string> }>;
  /** Like `getPortEndpoint`, but the URL alone. */
  readonly getPortUrl: (options: PortOptions) => Promise<string>;
  /**
   * Pauses the sandbox when the provider can and the session has an id by which it can be found again; otherwise ends
   * it.
   */
  readonly stop: () => Promise<void>;
  /** Ends the sandbox, unless it was given. */
  readonly destroy: () => Promise<void>;
  /** Replaces the ports that may be asked for. Addresses that were given out stay valid. @throws `invalid_argument` */
  readonly setPorts: (
    ports: readonly number[],
    options?: { readonly abortSignal?: AbortSignal },
  ) => Promise<void>;
  /**
   * Replaces what the sandbox may reach; absent where the provider cannot. Transformations stay.
   * @throws `unsupported` for `deniedCIDRs` with public addresses beside `allowedHosts`
   */
  readonly setNetworkPolicy?: (policy: NetworkPolicy) => Promise<void>;
  /**
   * Replaces the headers that are set on requests after they have left the sandbox, which never sees them; absent where
   * the provider cannot match requests. Rules that the sandbox was created with stay.
   * @throws `unsupported` for `regex`
   */
  readonly setRequestTransformations?: (
    transformations: readonly RequestTransformation[],
  ) => Promise<void>;
  /** Like `setRequestTransformations`, but keeps those that there are. */
  readonly addRequestTransformations?: (
    transformations: readonly RequestTransformation[],
  ) => Promise<void>;
  /** The same sandbox without any of this, and without a way to get at it. */
  readonly restricted: () => RestrictedSandboxSession;
}

export const portsSchema: z.ZodType<readonly number[]> = z
  .array(z.int().min(1).max(65_535))
  .describe("an array of port numbers");

const portsOption = z.strictObject({ ports: portsSchema });

interface NetworkSessionOptions {
  readonly id: string;
  /** `undefined` for any. */
  readonly ports: readonly number[] | undefined;
  /** What it may reach; `undefined` when the sandbox was given. */
  readonly network: NetworkState | undefined;
  /** Whether it can be resumed. */
  readonly resumable: boolean;
  /** `undefined` when the sandbox was given, which is then never ended. */
  readonly provider: SandboxProvider | undefined;
}

export function networkSession(
  sandbox: Sandbox,
  { id, ports: given, network, resumable, provider }: NetworkSessionOptions,
): NetworkSandboxSession {
  const conversation = { sessions: new SandboxSessions(sandbox), threadId: undefined };
  const narrow = restrictedSession(sandbox);
  let ports = given;
  const endpoint = async ({ port, protocol }: PortOptions) => {
    if (ports !== undefined && !ports.includes(port))
      throw new EmberboxError("unsupported", `The port ${port} is not one of: ${ports.join(", ")}`);
    const { trafficAccessToken: token } = sandbox;
    const url = withProtocol(await sandbox.url(port), protocol);
    return { url, ...(token !== undefined && { headers: { "e2b-traffic-access-token": token } }) };
  };
  const end = async (): Promise<void> => {
    await provider?.kill(sandbox.sandboxId);
  };
  const { updateNetwork, requestRules } = provider?.capabilities ?? {};
  const session: NetworkSandboxSession = {
    ...sandboxSession(conversation),
    id,
    defaultWorkingDirectory: factsOf(conversation.sessions, undefined).workingDirectory,
    get ports() {
      return ports ?? [];
    },
    setPorts: async (next, { abortSignal } = {}) => {
      abortSignal?.throwIfAborted();
      ports = parseOptions(portsOption, { ports: [...next] }).ports;
    },
    getPortEndpoint: endpoint,
    getPortUrl: async (options) => (await endpoint(options)).url,
    stop: resumable && provider?.capabilities.pause === true ? () => pause(sandbox) : end,
    destroy: end,
    ...(network &&
      updateNetwork === true && {
        setNetworkPolicy: (policy) => network.setPolicy(sandbox, policy),
        ...(requestRules === true && {
          setRequestTransformations: (all) => network.setTransformations(sandbox, all),
          addRequestTransformations: (more) => network.addTransformations(sandbox, more),
        }),
      }),
    restricted: () => narrow,
  };
  rememberConversation(session, conversation);
  return session;
}

/** Pauses a sandbox; one that is gone counts as stopped, too. */
async function pause(sandbox: Sandbox): Promise<void> {
  try {
    await sandbox.pause();
  } catch (error) {
    if (!EmberboxError.isInstance(error) || error.code !== "sandbox_not_found") throw error;
  }
}

function withProtocol(origin: string, protocol: PortOptions["protocol"] = "http"): string {
  const { protocol: own } = new URL(origin);
  if (protocol === "ws") return origin.replace(/^http/, "ws");
  if (protocol === "http" || own === "https:") return origin;
  throw new EmberboxError("unsupported", "The ports of this sandbox are reached without TLS only");
}
