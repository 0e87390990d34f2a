import type { Dispatcher } from "undici";
import type {
  CheckpointInfo,
  CheckpointOptions,
  ProviderBranchOptions,
} from "./checkpoint-options.ts";
import type { EmberboxError } from "./errors.ts";
import type { McpServers } from "./mcp-servers.ts";
import type {
  BuiltTemplate,
  TemplateLog,
  TemplateRequest,
  TemplateTag,
} from "./template-request.ts";
import type { CreateVolumeOptions, VolumeFiles, VolumeInfo } from "./volume-options.ts";
import type {
  Baseline,
  WorkspaceInfo,
  WorkspaceMode,
  WorkspaceMount,
} from "./workspace-options.ts";

/** What a provider can do beyond `create`, `connect`, `list` and `kill`. */
export interface Capabilities {
  /** `setTimeout` changes when a running sandbox ends. */
  readonly setTimeout: boolean;
  /** `pause` saves a sandbox to disk and `connect` resumes it; includes `lifecycle.onTimeout: "pause"`. */
  readonly pause: boolean;
  /** `createSnapshot`, `listSnapshots` and `deleteSnapshot`; `template` also takes a snapshot's id. */
  readonly snapshots: boolean;
  /** `fork` copies a running sandbox. */
  readonly fork: boolean;
  /** `createCheckpoint`, `listCheckpoints`, `deleteCheckpoint`, `rollback` and `branch`. @default false */
  readonly checkpoints?: boolean | undefined;
  /** `network` restricts what a sandbox can reach. */
  readonly network: boolean;
  /** `updateNetwork` changes that while the sandbox runs. */
  readonly updateNetwork: boolean;
  /** A host may have several rules, with `match`. @default false */
  readonly requestRules?: boolean | undefined;
  /** `network.egressProxy`. @default false */
  readonly egressProxy?: boolean | undefined;
  /** Building, listing, tagging and deleting templates: all methods of that name. @default false */
  readonly templates?: boolean | undefined;
  /** Volumes: `createVolume` and the other calls of the kind, and `volumeMounts`. @default false */
  readonly volumes?: boolean | undefined;
  /** `networkCeiling` limits what `network` and `updateNetwork` may ask for. @default false */
  readonly networkCeiling?: boolean | undefined;
  /** `endpoint` reaches servers in a sandbox that speak TLS. @default false */
  readonly tlsEndpoints?: boolean | undefined;
  /** `mcp` puts a gateway to MCP servers into a sandbox. @default false */
  readonly mcp?: boolean | undefined;
  /**
   * The modes of workspaces that it brings along itself. Without `review`, folders are uploaded, and what changed is
   * found by commands in the sandbox.
   * @default none
   */
  readonly workspaces?: readonly WorkspaceMode[] | undefined;
  /** `lifecycle.pausedTtlMs` says how long a sandbox is kept once it is paused. @default false */
  readonly pausedTtl?: boolean | undefined;
}

/** What happens to a sandbox at the end of its lifetime. */
export interface Lifecycle {
  /** @default "kill" */
  readonly onTimeout?: "kill" | "pause" | undefined;
  /** False saves only its disk; only with `onTimeout: "pause"`, and not with `autoResume`. @default true */
  readonly keepMemory?: boolean | undefined;
  /** Resumes it on traffic when it is paused; only with `onTimeout: "pause"`. @default false */
  readonly autoResume?: boolean | undefined;
  /**
   * How long it is kept once it is paused, by whatever means, in milliseconds; false for ever. Only where
   * `capabilities.pausedTtl` says so.
   * @default what the provider does; on this machine, a week
   */
  readonly pausedTtlMs?: number | false | undefined;
}

/** What a sandbox may reach, and who may reach its servers; the options mean what they mean in E2B. */
export interface NetworkOptions {
  /** Allowed addresses, CIDR ranges and domains (`*.example.com`); allowing takes precedence over denying. */
  readonly allowOut?: readonly string[] | undefined;
  /** Denied addresses and CIDR ranges. */
  readonly denyOut?: readonly string[] | undefined;
  /** How requests are changed, by host; where several rules are for a request, the later ones win. */
  readonly rules?: Readonly<Record<string, readonly NetworkRule[]>> | undefined;
  /** False requires the traffic token for requests to the sandbox's own servers. @default true */
  readonly allowPublicTraffic?: boolean | undefined;
  /** The `Host` header that the sandbox's servers see; `${PORT}` stands for the port. */
  readonly maskRequestHost?: string | undefined;
  /**
   * Connections that are allowed go out through this proxy. Names are looked up here as well, so that the policy can
   * decide; those that it allows by name are looked up again by the proxy. @default no proxy
   */
  readonly egressProxy?: EgressProxy | undefined;
}

/** A SOCKS5 proxy, as in E2B. The sandbox does not learn of it. */
export interface EgressProxy {
  /** `HOST:PORT` */
  readonly address: string;
  /** Up to 255 bytes. @default none */
  readonly username?: string | undefined;
  /** Up to 255 bytes; given with `username`. It is not written to disk. */
  readonly password?: string | undefined;
}

/**
 * A limit that no later request can exceed, in the form of `network` but without rules. `true` allows only public
 * addresses; other addresses are reachable where both the ceiling and the request name them.
 */
export type NetworkCeiling = boolean | Pick<NetworkOptions, "allowOut" | "denyOut">;

/** A text: all of it, or its beginning. */
export type TextMatch = { readonly exact: string } | { readonly startsWith: string };

/** A header, or a parameter of the query; what is left out may be anything. */
export interface PairMatch {
  readonly name?: TextMatch | undefined;
  /** If there is a `name`, everything of that name must have this value. */
  readonly value?: TextMatch | undefined;
}

/** The requests to a host that a rule is for: those that have everything that is given. */
export interface RequestMatch {
  /** The path as it is sent, without the query; one that a server might take for another matches nothing. */
  readonly path?: TextMatch | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly query?: readonly PairMatch[] | undefined;
  /** Their names match in upper and lower case. */
  readonly headers?: readonly PairMatch[] | undefined;
}

/** Headers that are set on requests to a host. */
export interface NetworkRule {
  /** Only these requests; not in E2B. @default all */
  readonly match?: RequestMatch | undefined;
  readonly transform: { readonly headers: Readonly<Record<string, string>> };
}

/**
 * A value that is put into requests and that the sandbox never sees: it only gets a placeholder, in the environment
 * variable of that name.
 */
export interface SandboxSecret {
  readonly value: string;
  /** Hosts (`api.example.com`, `*.example.com`) to which the value is sent, in request headers and over TLS only. */
  readonly hosts: readonly string[];
}

/** A decision about one thing that the sandbox tried to reach. */
export interface NetworkEvent {
  readonly sandboxId: string;
  readonly time: Date;
  readonly decision: "allowed" | "refused";
  /** The requested name or address. */
  readonly host: string;
  /** Absent when only the name was looked up. */
  readonly port?: number | undefined;
  /** The address that was dialled. */
  readonly address?: string | undefined;
  /** Why it was refused. */
  readonly reason?: string | undefined;
}

/** What the sandbox did on the network since it was created. */
export interface NetworkLog {
  /** Number of connections made. */
  readonly allowed: number;
  readonly refused: number;
  /** Number of connections open now. */
  readonly open: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** What was refused, each host and port once, the newest last; the oldest are dropped. */
  readonly refusals: readonly NetworkRefusal[];
}

/** A host, and perhaps a port, to which access was refused. */
export interface NetworkRefusal {
  readonly host: string;
  readonly port?: number | undefined;
  readonly reason: string;
  readonly count: number;
  readonly lastAt: Date;
}

/** What every provider's `create` accepts; each rejects options that it cannot honour. */
export interface CreateOptions {
  /** The name of a template, or the id of a snapshot. @default "default" */
  readonly template?: string | undefined;
  /** Memory of the sandbox in MiB. */
  readonly memoryMB?: number | undefined;
  /** Virtual CPUs. */
  readonly cpuCount?: number | undefined;
  /** Size of the sandbox's disk in MiB. */
  readonly diskMB?: number | undefined;
  /** Environment variables for every process and code context in the sandbox. */
  readonly envs?: Readonly<Record<string, string>> | undefined;
  /** Free-form labels, reported by `list` and `getInfo`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Lifetime in milliseconds, at the end of which the sandbox is killed. @default 300_000 */
  readonly timeoutMs?: number | undefined;
  readonly lifecycle?: Lifecycle | undefined;
  /** False for no network at all. @default true */
  readonly network?: boolean | NetworkOptions | undefined;
  /** A limit that `network` and `updateNetwork` cannot exceed, here or in copies. @default no ceiling */
  readonly networkCeiling?: NetworkCeiling | undefined;
  /** Secrets, by the name of the environment variable that holds their placeholder. */
  readonly secrets?: Readonly<Record<string, SandboxSecret>> | undefined;
  /** Ids of volumes, by the absolute path at which the sandbox has their files. */
  readonly volumeMounts?: Readonly<Record<string, string>> | undefined;
  /** Folders of this machine that the sandbox works on. */
  readonly workspaces?: readonly WorkspaceMount[] | undefined;
  /** Called with every decision of the network policy. If it throws, nothing is affected. */
  readonly onNetwork?: ((event: NetworkEvent) => void) | undefined;
  /**
   * MCP servers that run in the sandbox, behind one address: `getMcpUrl()`. A provider makes the sandbox ready for it;
   * `Sandbox.create` starts the servers.
   */
  readonly mcp?: McpServers | undefined;
  /** Aborts the creation. */
  readonly signal?: AbortSignal | undefined;
}

/** How to connect to an existing sandbox. */
export interface ConnectOptions {
  /**
   * Extends the lifetime to at least this many milliseconds from now. A resumed sandbox lives that long.
   * @default 300_000 for a paused sandbox
   */
  readonly timeoutMs?: number | undefined;
  /** How a paused sandbox comes back: exactly as it was, or booted from its disk. @default "restore" */
  readonly onResume?: "restore" | "reboot" | undefined;
  /** Replaces the ceiling of a paused sandbox when this call resumes it. @default the one it had */
  readonly networkCeiling?: NetworkCeiling | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a provider knows about a sandbox. */
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
  /** Bytes that a paused sandbox takes on disk beyond what it shares, where known. */
  readonly sizeBytes?: number | undefined;
  /** From when on a paused sandbox may be removed, where known; `undefined` if it is kept for ever. */
  readonly expiresAt?: Date | undefined;
  readonly lifecycle?: Lifecycle | undefined;
  /** Ids of its volumes, by path. */
  readonly volumeMounts?: Readonly<Record<string, string>> | undefined;
  /** Folders of this machine that it works on, in the order in which they were given. */
  readonly workspaces?: readonly WorkspaceInfo[] | undefined;
  /** What it may reach, without what rules set, where known. */
  readonly network?: boolean | Omit<NetworkOptions, "rules"> | undefined;
}

/** What sandboxes of a template contain, known before there is one: tools describe it to models. */
export interface TemplateInfo {
  /** The name to pass as `template`. */
  readonly name: string;
  /** The languages of `runCode`, the default one first. */
  readonly languages: readonly string[];
  /** Notable installed libraries, by language. */
  readonly libraries: Readonly<Record<string, readonly string[]>>;
  /** The operating system, such as `Debian 13`. */
  readonly system?: string | undefined;
  /** Whole sentences about anything else that a model should know. */
  readonly notes?: string | undefined;
}

/** A snapshot from which sandboxes can be created. */
export interface SnapshotInfo {
  readonly snapshotId: string;
  readonly names: readonly string[];
  /** The sandbox from which it was taken. */
  readonly sandboxId?: string | undefined;
  readonly createdAt: Date;
  readonly sizeBytes?: number | undefined;
}

/** What a rollback went back over. */
export interface RollbackResult {
  /** Where the sandbox is now. */
  readonly checkpoint: CheckpointInfo;
  /**
   * What the sandbox did on the network since the checkpoint, which cannot be undone; `undefined` where this program did
   * not see all of it.
   */
  readonly network?: NetworkLog | undefined;
  /** The checkpoints between this one and where the sandbox was, the oldest first. They stay. */
  readonly undone: readonly CheckpointInfo[];
}

/** Options of calls that can only be aborted. */
export interface SignalOptions {
  readonly signal?: AbortSignal | undefined;
}

/** How to reach one port of a sandbox. */
export interface Endpoint {
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

/** What is said about a port that is to be reached. */
export interface EndpointOptions {
  /**
   * The server there speaks TLS; its certificate is not checked. Only where `capabilities.tlsEndpoints` says so.
   * @default false
   */
  readonly tls?: boolean | undefined;
}

/** A sandbox as its provider hands it to the client: how to reach it, and what only the provider can do with it. */
export interface SandboxConnection {
  readonly sandboxId: string;
  /**
   * The token that the services for files, processes and code require from anyone who does not go through `endpoint`,
   * which includes it; signed URLs are made with it. It stays the same while the sandbox is paused; copies have tokens
   * of their own.
   */
  readonly accessToken?: string | undefined;
  /** The value that requests to the sandbox's own servers must carry as `e2b-traffic-access-token`, if any. */
  readonly trafficAccessToken?: string | undefined;
  /** Resolves once a request can be sent: resumes a paused sandbox whose `lifecycle` has `autoResume`. */
  ready?(): Promise<void>;
  /** How to reach a port. It changes when the sandbox is paused and resumed. */
  endpoint(port: number, options?: EndpointOptions): Endpoint;
  /**
   * The origin at which any HTTP client, including a browser, reaches a server that listens on a port of the sandbox.
   * It stays the same for the sandbox's lifetime.
   */
  url?(port: number): Promise<string>;
  /**
   * Why the sandbox is gone (`sandbox_died`, `sandbox_closed`), or `undefined` while it runs.
   * A request that fails because the sandbox went away is reported with this error.
   */
  gone(): Error | undefined;
  /**
   * Aborted once the sandbox has ended, with the error of `gone` as its reason; a pause does not count. With it, failed
   * requests are explained sooner.
   */
  readonly ended?: AbortSignal | undefined;
  /**
   * Aborted when the sandbox is taken back to a checkpoint, with the error for calls that were under way; afterwards
   * this returns another.
   */
  present?(): AbortSignal;
}

/** The kind of sandbox to prepare for. */
export type PrepareOptions = Pick<
  CreateOptions,
  "template" | "memoryMB" | "cpuCount" | "networkCeiling" | "signal"
>;

/** How to build a template. */
export interface BuildTemplateOptions {
  /** What sandboxes are created by, such as `mine`; `mine:v2` is short for the tag `v2`. */
  readonly name: string;
  /** Tags that the build gets once it is complete; another build that has one loses it. @default ["default"] */
  readonly tags?: readonly string[] | undefined;
  /** Memory of its sandboxes, in MiB. @default what the template has that it begins with, otherwise 1024 */
  readonly memoryMB?: number | undefined;
  /** @default what the template has that it begins with, otherwise 1 */
  readonly cpuCount?: number | undefined;
  /**
   * Room on its sandboxes' disks beyond the usual, in MiB, so that about that much is free after the steps, as in E2B.
   * @default 0
   */
  readonly minFreeDiskMB?: number | undefined;
  /** What its steps may reach; its sandboxes have policies of their own. @default true */
  readonly network?: boolean | NetworkOptions | undefined;
  /** A limit that `network` cannot exceed. @default no ceiling */
  readonly networkCeiling?: NetworkCeiling | undefined;
  /** Called with what happens. If it throws, nothing is affected. */
  readonly onBuildLogs?: ((log: TemplateLog) => void) | undefined;
  /** Ends the build; what was done until then is kept for the next one. */
  readonly signal?: AbortSignal | undefined;
}

/** Where sandboxes come from. Making a provider does no I/O; `create` and `connect` do. */
export interface SandboxProvider extends AsyncDisposable {
  readonly name: string;
  readonly capabilities: Readonly<Capabilities>;
  /**
   * The templates that it offers, without snapshots.
   * @default one, `default`, with what the conformance suite requires of every provider
   */
  templates?(): readonly TemplateInfo[];
  /** What these take, in bytes on disk, by name; one that is not there yet is left out. */
  templateSizes?(): Promise<Readonly<Record<string, number>>>;
  /** Does in advance what the first `create` of such a sandbox would have to wait for. */
  prepare?(options?: PrepareOptions): Promise<void>;
  /** Resolves once the sandbox answers. */
  create(options: CreateOptions): Promise<SandboxConnection>;
  /** @throws `sandbox_not_found` */
  connect(sandboxId: string, options?: ConnectOptions): Promise<SandboxConnection>;
  /** The provider's sandboxes that have not ended. */
  list(): Promise<SandboxInfo[]>;
  /** @throws `sandbox_not_found` */
  getInfo(sandboxId: string): Promise<SandboxInfo>;
  /** Resolves to false when there is no such sandbox. */
  kill(sandboxId: string): Promise<boolean>;
  /** Sets the end of the sandbox's life to `timeoutMs` from now. @throws `sandbox_not_found` */
  setTimeout?(sandboxId: string, timeoutMs: number): Promise<void>;
  /** Resolves to false when it was already paused. @throws `sandbox_not_found` */
  pause?(
    sandboxId: string,
    options?: SignalOptions & { readonly keepMemory?: boolean | undefined },
  ): Promise<boolean>;
  /** @throws `sandbox_not_found` */
  createSnapshot?(
    sandboxId: string,
    options?: SignalOptions & { readonly name?: string | undefined },
  ): Promise<SnapshotInfo>;
  /** All snapshots, or those of the given sandbox or name. */
  listSnapshots?(
    options?: SignalOptions & {
      readonly sandboxId?: string | undefined;
      readonly name?: string | undefined;
    },
  ): Promise<SnapshotInfo[]>;
  /** By id or name. Resolves to false when there is no such snapshot. */
  deleteSnapshot?(snapshotId: string, options?: SignalOptions): Promise<boolean>;
  /**
   * Copies a running sandbox, which keeps running. For each copy it returns a connection, or the error why there is
   * none.
   */
  fork?(
    sandboxId: string,
    options?: SignalOptions & {
      readonly count?: number | undefined;
      readonly timeoutMs?: number | undefined;
    },
  ): Promise<(SandboxConnection | EmberboxError)[]>;
  /**
   * Saves a running sandbox as a point to go back to, if it has changed since the last one. It keeps running.
   * @throws `sandbox_not_found`, `sandbox_paused`, `host_disk_full`
   */
  createCheckpoint?(sandboxId: string, options?: CheckpointOptions): Promise<CheckpointInfo>;
  /** A sandbox's checkpoints, the oldest first, with the `current` one marked; none of one that is not known. */
  listCheckpoints?(sandboxId: string, options?: SignalOptions): Promise<CheckpointInfo[]>;
  /** Resolves to false when there is no such checkpoint. Those after it stay usable. */
  deleteCheckpoint?(
    sandboxId: string,
    checkpointId: string,
    options?: SignalOptions,
  ): Promise<boolean>;
  /**
   * Takes a sandbox back to a checkpoint, in place; on failure it goes on as it was. One that is paused is then paused
   * at the checkpoint.
   * @throws `checkpoint_not_found`, `sandbox_not_found`, `snapshot_damaged`, `snapshot_incompatible`
   */
  rollback?(
    sandboxId: string,
    checkpointId: string,
    options?: SignalOptions,
  ): Promise<RollbackResult>;
  /**
   * Makes new sandboxes of a checkpoint, also of a sandbox that is paused or gone. For each it returns a connection, or
   * the error why there is none.
   * @throws `checkpoint_not_found`, `host_out_of_memory`
   */
  branch?(
    sandboxId: string,
    checkpointId: string,
    options?: ProviderBranchOptions,
  ): Promise<(SandboxConnection | EmberboxError)[]>;
  /**
   * Replaces what the sandbox may reach, and closes connections that are no longer allowed.
   * @throws `sandbox_not_found`
   */
  updateNetwork?(sandboxId: string, network: boolean | NetworkOptions): Promise<void>;
  /** @throws `sandbox_not_found` */
  getNetworkLog?(sandboxId: string): Promise<NetworkLog>;
  /**
   * The addresses of a host that a sandbox with this ceiling could reach, for a program that connects somewhere because
   * its users say so. It should connect to these, and not look the name up again.
   * @throws `invalid_argument` that says why there are none, and what looking up a name throws
   */
  addressesOf?(host: string, ceiling: NetworkCeiling): Promise<readonly string[]>;
  /**
   * Builds a template of one's own, or finds it built. What earlier builds have in common with it is not done again.
   * @throws `template_build_failed`, `unknown_template`
   */
  buildTemplate?(request: TemplateRequest, options: BuildTemplateOptions): Promise<BuiltTemplate>;
  /** The templates of one's own, by name: each build that has a tag. */
  listTemplates?(options?: SignalOptions): Promise<BuiltTemplate[]>;
  /** Deletes a template with all its tags. Resolves to false when there is none. Its sandboxes live on. */
  deleteTemplate?(name: string, options?: SignalOptions): Promise<boolean>;
  /**
   * Gives a build, named as `name` or `name:tag`, further tags; other builds that had one lose it. A build without a
   * tag goes away.
   * @throws `unknown_template`
   */
  tagTemplate?(
    name: string,
    tags: readonly string[],
    options?: SignalOptions,
  ): Promise<BuiltTemplate>;
  /** Takes tags from a template's builds. Resolves to false when none had one of them. */
  untagTemplate?(name: string, tags: readonly string[], options?: SignalOptions): Promise<boolean>;
  /** A template's tags, by name; none of a template that does not exist. */
  listTemplateTags?(name: string, options?: SignalOptions): Promise<TemplateTag[]>;
  /** @throws `volume_exists` */
  createVolume?(name: string, options?: CreateVolumeOptions): Promise<VolumeInfo>;
  /** All volumes, by name. */
  listVolumes?(): Promise<VolumeInfo[]>;
  /** @throws `volume_not_found` */
  getVolume?(volumeId: string): Promise<VolumeInfo>;
  /** Resolves to false when there is no such volume. @throws `volume_in_use` */
  deleteVolume?(volumeId: string): Promise<boolean>;
  /** Works on a volume's files. */
  volumeFiles?(volumeId: string): VolumeFiles;
  /** A baseline that one of its sandboxes has, with the digests of files that were read. */
  workspaceBaseline?(digest: string): Promise<Baseline | undefined>;
  /**
   * Keeps what the host and the sandbox agree on now, for the sandbox's workspace at a path.
   * @throws `sandbox_not_found`
   */
  setWorkspaceSynced?(sandboxId: string, guest: string, synced: Baseline): Promise<void>;
}
