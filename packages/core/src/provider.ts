import type { Dispatcher } from "undici";
import type { EmberboxError } from "./errors.ts";

/** The port on which a sandbox serves files and processes (E2B's envd). */
export const ENVD_PORT = 49983;
/** The port on which a sandbox serves the code interpreter. */
export const INTERPRETER_PORT = 49999;

/** What a provider can do beyond `create`, `connect`, `list` and `kill`. */
export interface Capabilities {
  /** `setTimeout` moves the end of a running sandbox. */
  readonly setTimeout: boolean;
  /** `pause` keeps a sandbox on disk, and `connect` resumes it; `lifecycle.onTimeout: "pause"` too. */
  readonly pause: boolean;
  /** `createSnapshot` and its siblings; `template` takes a snapshot's id. */
  readonly snapshots: boolean;
  /** `fork` copies a running sandbox. */
  readonly fork: boolean;
  /** `network` restricts what a sandbox reaches. */
  readonly network: boolean;
  /** `updateNetwork` changes that while it runs. */
  readonly updateNetwork: boolean;
  /** `networkCeiling` bounds what may be asked for. @default false */
  readonly networkCeiling?: boolean | undefined;
}

/** What becomes of a sandbox at the end of its time. */
export interface Lifecycle {
  /** @default "kill" */
  readonly onTimeout?: "kill" | "pause" | undefined;
  /** False keeps only its disk; only with `onTimeout: "pause"`, and not with `autoResume`. @default true */
  readonly keepMemory?: boolean | undefined;
  /** Traffic resumes it when it is paused; only with `onTimeout: "pause"`. @default false */
  readonly autoResume?: boolean | undefined;
}

/** What a sandbox may reach, and who may reach its servers; with E2B's meaning. */
export interface NetworkOptions {
  /** Addresses, CIDR ranges and domains (`*.example.com`); allowing beats denying. */
  readonly allowOut?: readonly string[] | undefined;
  /** Addresses and CIDR ranges. */
  readonly denyOut?: readonly string[] | undefined;
  /** What is done to requests to a host. */
  readonly rules?: Readonly<Record<string, readonly NetworkRule[]>> | undefined;
  /** False demands the traffic token for the sandbox's own servers. @default true */
  readonly allowPublicTraffic?: boolean | undefined;
  /** The `Host` that the sandbox's servers see; `${PORT}` stands for the port. */
  readonly maskRequestHost?: string | undefined;
}

/**
 * What no later request can go beyond: as `network` says it, without rules. `true` is public addresses only;
 * others are reached where both the ceiling and the request name them.
 */
export type NetworkCeiling = boolean | Pick<NetworkOptions, "allowOut" | "denyOut">;

export interface NetworkRule {
  readonly transform: { readonly headers: Readonly<Record<string, string>> };
}

/** A value that requests carry and the sandbox never sees: it gets a placeholder in the variable of that name. */
export interface SandboxSecret {
  readonly value: string;
  /** Host names (`api.example.com`, `*.example.com`) whose requests get the value, in headers, over TLS. */
  readonly hosts: readonly string[];
}

/** What was decided about one thing that the sandbox wanted to reach. */
export interface NetworkEvent {
  readonly sandboxId: string;
  readonly time: Date;
  readonly decision: "allowed" | "refused";
  /** The name or address that was asked for. */
  readonly host: string;
  /** Absent when only the name was looked up. */
  readonly port?: number | undefined;
  /** What was dialled. */
  readonly address?: string | undefined;
  /** Why it was refused. */
  readonly reason?: string | undefined;
}

/** What the sandbox did with its network, since it was created. */
export interface NetworkLog {
  /** Connections that were made. */
  readonly allowed: number;
  readonly refused: number;
  /** Connections that are open. */
  readonly open: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** What was refused: a host and port once, the newest last; the oldest are forgotten. */
  readonly refusals: readonly NetworkRefusal[];
}

export interface NetworkRefusal {
  readonly host: string;
  readonly port?: number | undefined;
  readonly reason: string;
  readonly count: number;
  readonly lastAt: Date;
}

/** What every provider's `create` understands; each rejects what it cannot honour. */
export interface CreateOptions {
  /** The name of a template, or the id of a snapshot. @default "default" */
  readonly template?: string | undefined;
  /** Memory of the sandbox in MiB. */
  readonly memoryMB?: number | undefined;
  /** Virtual CPUs. */
  readonly cpuCount?: number | undefined;
  /** Size of the sandbox's disk in MiB. */
  readonly diskMB?: number | undefined;
  /** Environment variables that every process and code context in the sandbox sees. */
  readonly envs?: Readonly<Record<string, string>> | undefined;
  /** Free-form labels, reported by `list` and `getInfo`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Lifetime in milliseconds; the sandbox is killed at its end. @default 300_000 */
  readonly timeoutMs?: number | undefined;
  readonly lifecycle?: Lifecycle | undefined;
  /** False is no network at all. @default true */
  readonly network?: boolean | NetworkOptions | undefined;
  /** What `network` and `updateNetwork` cannot go beyond, nor its copies. @default no ceiling */
  readonly networkCeiling?: NetworkCeiling | undefined;
  /** Values by the name of the variable that holds their placeholder. */
  readonly secrets?: Readonly<Record<string, SandboxSecret>> | undefined;
  /** Hears of every decision of the network's policy. What it throws stops nothing. */
  readonly onNetwork?: ((event: NetworkEvent) => void) | undefined;
  /** Stops the creation. */
  readonly signal?: AbortSignal | undefined;
}

/** What may be asked of a sandbox that is there. */
export interface ConnectOptions {
  /**
   * Extends the lifetime to at least this many milliseconds from now. A sandbox that is resumed lives that long.
   * @default for a paused sandbox 300_000
   */
  readonly timeoutMs?: number | undefined;
  /** How a paused sandbox comes back: as it was, or booted from its disk. @default "restore" */
  readonly onResume?: "restore" | "reboot" | undefined;
  /** Replaces the ceiling of a paused sandbox that is resumed by this. @default the one it had */
  readonly networkCeiling?: NetworkCeiling | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A sandbox, as its provider sees it. */
export interface SandboxInfo {
  readonly sandboxId: string;
  readonly template: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly startedAt: Date;
  readonly endAt: Date;
  readonly cpuCount: number;
  /** MiB */
  readonly memoryMB: number;
  /** MiB */
  readonly diskMB: number;
  readonly state: "running" | "paused";
  /** What a paused one takes on disk beyond what it shares, where that is known. */
  readonly sizeBytes?: number | undefined;
  readonly lifecycle?: Lifecycle | undefined;
}

/** What a sandbox of a template has, for those who have none yet: tools tell models of it. */
export interface TemplateInfo {
  /** What `template` takes. */
  readonly name: string;
  /** What `runCode` runs, the default one first. */
  readonly languages: readonly string[];
  /** By language, libraries that are installed: those worth naming. */
  readonly libraries: Readonly<Record<string, readonly string[]>>;
  /** The operating system, such as `Debian 12`. */
  readonly system?: string | undefined;
  /** Whole sentences about whatever else a model should know. */
  readonly notes?: string | undefined;
}

/** A snapshot that sandboxes can be made of. */
export interface SnapshotInfo {
  readonly snapshotId: string;
  readonly names: readonly string[];
  /** The sandbox it was made of. */
  readonly sandboxId?: string | undefined;
  readonly createdAt: Date;
  readonly sizeBytes?: number | undefined;
}

export interface SignalOptions {
  readonly signal?: AbortSignal | undefined;
}

/** How to reach one port of a sandbox. */
export interface Endpoint {
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

/** A sandbox, as its provider hands it to the client: how it is reached, and what only the provider can do with it. */
export interface SandboxConnection {
  readonly sandboxId: string;
  /**
   * What files, processes and code demand of those who reach the sandbox another way than through `endpoint`,
   * which has what it takes; signed URLs are made with it. It stays the same while the sandbox is paused; its copies
   * have others.
   */
  readonly accessToken?: string | undefined;
  /** What requests to the sandbox's own servers must carry as `e2b-traffic-access-token`, where they must. */
  readonly trafficAccessToken?: string | undefined;
  /** Resolves when a request can be sent: resumes a paused sandbox whose `lifecycle` has `autoResume`. */
  ready?(): Promise<void>;
  /** The way to a port. A sandbox that was paused and resumed has another one. */
  endpoint(port: number): Endpoint;
  /**
   * The origin at which any HTTP client, a browser too, reaches a server that listens on a port of the sandbox.
   * The same on every call, while the sandbox lives.
   */
  url?(port: number): Promise<string>;
  /**
   * Why the sandbox is gone (`sandbox_died`, `sandbox_closed`), or `undefined` while it runs.
   * A request that fails because the sandbox went away is reported with this error.
   */
  gone(): Error | undefined;
  /**
   * Aborted when the sandbox has ended, with what `gone` gives as its reason. A pause is no end. Requests that fail are
   * explained sooner where there is one.
   */
  readonly ended?: AbortSignal | undefined;
}

/** The shape that is made ready. */
export type PrepareOptions = Pick<
  CreateOptions,
  "template" | "memoryMB" | "cpuCount" | "networkCeiling" | "signal"
>;

/** A provider is made by a function that does no I/O; sandboxes come from `create` and `connect`. */
export interface SandboxProvider extends AsyncDisposable {
  readonly name: string;
  readonly capabilities: Readonly<Capabilities>;
  /**
   * The templates that it brings, snapshots not among them.
   * @default one, `default`, with what the conformance suite asks of every provider
   */
  templates?(): readonly TemplateInfo[];
  /** Does ahead of time what the first `create` of a shape would have to wait for. */
  prepare?(options?: PrepareOptions): Promise<void>;
  /** Resolves when the sandbox answers. */
  create(options: CreateOptions): Promise<SandboxConnection>;
  /** @throws `sandbox_not_found` */
  connect(sandboxId: string, options?: ConnectOptions): Promise<SandboxConnection>;
  /** The provider's sandboxes that have not ended. */
  list(): Promise<SandboxInfo[]>;
  /** @throws `sandbox_not_found` */
  getInfo(sandboxId: string): Promise<SandboxInfo>;
  /** Resolves to false when there was no such sandbox. */
  kill(sandboxId: string): Promise<boolean>;
  /** Sets the end of the sandbox's life to `timeoutMs` from now. @throws `sandbox_not_found` */
  setTimeout?(sandboxId: string, timeoutMs: number): Promise<void>;
  /** Resolves to false when it was paused already. @throws `sandbox_not_found` */
  pause?(
    sandboxId: string,
    options?: SignalOptions & { readonly keepMemory?: boolean | undefined },
  ): Promise<boolean>;
  /** @throws `sandbox_not_found` */
  createSnapshot?(
    sandboxId: string,
    options?: SignalOptions & { readonly name?: string | undefined },
  ): Promise<SnapshotInfo>;
  /** Those of one sandbox or of one name, when it is given. */
  listSnapshots?(
    options?: SignalOptions & {
      readonly sandboxId?: string | undefined;
      readonly name?: string | undefined;
    },
  ): Promise<SnapshotInfo[]>;
  /** By id or name. Resolves to false when there was no such snapshot. */
  deleteSnapshot?(snapshotId: string, options?: SignalOptions): Promise<boolean>;
  /** Copies of a running sandbox, which goes on; for each copy a connection, or why it failed. */
  fork?(
    sandboxId: string,
    options?: SignalOptions & {
      readonly count?: number | undefined;
      readonly timeoutMs?: number | undefined;
    },
  ): Promise<(SandboxConnection | EmberboxError)[]>;
  /** Replaces what the sandbox may reach, and cuts what is no longer allowed. @throws `sandbox_not_found` */
  updateNetwork?(sandboxId: string, network: boolean | NetworkOptions): Promise<void>;
  /** @throws `sandbox_not_found` */
  getNetworkLog?(sandboxId: string): Promise<NetworkLog>;
}
