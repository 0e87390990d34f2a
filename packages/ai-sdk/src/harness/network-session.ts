import { EmberboxError, type Sandbox } from "@emberbox/core";
import type { NetworkOptions } from "@emberbox/core/network";
import type { SandboxProvider } from "@emberbox/core/provider";
import { factsOf, SandboxSessions } from "@emberbox/core/tools";
import { rememberConversation } from "../conversation.ts";
import { restrictedSession, sandboxSession } from "../session/session.ts";
import type { RestrictedSandboxSession, SandboxSession } from "../session/types.ts";

/** What a sandbox may reach, in the harness's form. */
export type NetworkPolicy =
  | { readonly mode: "allow-all" }
  | { readonly mode: "deny-all" }
  | {
      readonly mode: "custom";
      readonly allowedHosts?: readonly string[];
      readonly allowedCIDRs?: readonly string[];
      readonly deniedCIDRs?: readonly string[];
    };

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
  /** Those that `createEmberboxSandbox` was given. */
  readonly ports: readonly number[];
  /**
   * Where a server in the sandbox is reached, and the headers that its requests need.
   * @throws `unsupported` for `https` where the provider's ports have no TLS
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
  /**
   * Replaces what the sandbox may reach; absent where the provider cannot.
   * @throws `unsupported` for `deniedCIDRs`
   */
  readonly setNetworkPolicy?: (policy: NetworkPolicy) => Promise<void>;
  /** The same sandbox without any of this, and without a way to get at it. */
  readonly restricted: () => RestrictedSandboxSession;
}

interface NetworkSessionOptions {
  readonly id: string;
  readonly ports: readonly number[];
  /** Whether it can be resumed. */
  readonly resumable: boolean;
  /** `undefined` when the sandbox was given, which is then never ended. */
  readonly provider: SandboxProvider | undefined;
}

export function networkSession(
  sandbox: Sandbox,
  { id, ports, resumable, provider }: NetworkSessionOptions,
): NetworkSandboxSession {
  const conversation = { sessions: new SandboxSessions(sandbox), threadId: undefined };
  const narrow = restrictedSession(sandbox);
  const endpoint = async ({ port, protocol }: PortOptions) => {
    const { trafficAccessToken: token } = sandbox;
    const url = withProtocol(await sandbox.url(port), protocol);
    return { url, ...(token !== undefined && { headers: { "e2b-traffic-access-token": token } }) };
  };
  const end = async (): Promise<void> => {
    await provider?.kill(sandbox.sandboxId);
  };
  const session: NetworkSandboxSession = {
    ...sandboxSession(conversation),
    id,
    defaultWorkingDirectory: factsOf(conversation.sessions, undefined).workingDirectory,
    ports,
    getPortEndpoint: endpoint,
    getPortUrl: async (options) => (await endpoint(options)).url,
    stop: resumable && provider?.capabilities.pause === true ? () => pause(sandbox) : end,
    destroy: end,
    ...(provider?.capabilities.updateNetwork === true && {
      setNetworkPolicy: async (policy) => sandbox.updateNetwork(networkOf(policy)),
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

/** @throws `unsupported` for policies that cannot be enforced: here, allowing takes precedence over denying */
function networkOf(policy: NetworkPolicy): boolean | NetworkOptions {
  if (policy.mode !== "custom") return policy.mode === "allow-all";
  const { allowedHosts = [], allowedCIDRs = [], deniedCIDRs = [] } = policy;
  if (deniedCIDRs.length === 0) {
    return { allowOut: [...allowedHosts, ...allowedCIDRs], denyOut: ["0.0.0.0/0"] };
  }
  throw new EmberboxError(
    "unsupported",
    "`deniedCIDRs` cannot win over what is allowed here; leave it out: private and link-local addresses are refused unless they are allowed by name",
  );
}
