import { z } from "zod";
import { type AuditOptions, auditSchema } from "./audit-options.ts";
import { ceilingSchema, networkSchema, refuseNetwork, secretsSchema } from "./network.ts";
import { type McpServers, mcpServers } from "./mcp-servers.ts";
import {
  callback,
  envs,
  type FieldsOf,
  lifetime,
  parseOptions,
  positiveInteger,
  signal,
} from "./options.ts";
import { snapshotId } from "./state.ts";
import type {
  ConnectOptions,
  CreateOptions,
  Lifecycle,
  NetworkEvent,
  NetworkOptions,
  PrepareOptions,
  SandboxProvider,
} from "./provider.ts";
import { unsupported } from "./state.ts";
import { type VolumeInfo, volumeMountsSchema } from "./volume-options.ts";
import {
  workspaceMountsSchema,
  type WorkspaceOptions,
  workspaceSchema,
  workspacesSchema,
} from "./workspace-options.ts";

/** Which provider to use. */
export interface ProviderOptions {
  /**
   * The provider of sandboxes. It stays yours: closing a sandbox does not close it.
   * @default what `EMBERBOX_PROVIDER` names, else microVMs on this machine (`@emberbox/microvm`)
   */
  readonly provider?: SandboxProvider | undefined;
}

/** Whether what is asked of a sandbox is recorded. */
export interface AuditedOptions {
  /** Records every call, its result, and what the sandbox tried to reach. @default nothing is recorded */
  readonly audit?: AuditOptions | undefined;
}

/** Options of `Sandbox.create`. */
export interface SandboxCreateOptions
  extends Omit<CreateOptions, "volumeMounts" | "workspaces">, ProviderOptions, AuditedOptions {
  /** Volumes, or their ids, by the absolute path at which the sandbox has their files. */
  readonly volumeMounts?:
    | Readonly<Record<string, string | Pick<VolumeInfo, "volumeId">>>
    | undefined;
  /** A folder of this machine that the sandbox works on: its path, or more about it. */
  readonly workspace?: string | WorkspaceOptions | undefined;
  /** Several of them; not with `workspace`. */
  readonly workspaces?: readonly WorkspaceOptions[] | undefined;
}
/** What `Sandbox.create` was given, once it is checked. */
export interface CheckedCreateOptions
  extends Omit<CreateOptions, "workspaces">, ProviderOptions, AuditedOptions {
  readonly workspace?: WorkspaceOptions | undefined;
  readonly workspaces?: readonly WorkspaceOptions[] | undefined;
}
/** Options of `Sandbox.connect`. */
export interface SandboxConnectOptions extends ConnectOptions, ProviderOptions, AuditedOptions {}

const provider = z
  .custom<SandboxProvider>(
    (value) => typeof value === "object" && value !== null && "create" in value,
  )
  .optional()
  .describe("a provider");

const timeFields = { signal, timeoutMs: lifetime.optional().describe(lifetime.description!) };
const providerSchema = z.strictObject({ provider } satisfies FieldsOf<ProviderOptions>);
const connectSchema = z.strictObject({
  ...timeFields,
  onResume: z.enum(["restore", "reboot"]).optional().describe("`restore` or `reboot`"),
  networkCeiling: ceilingSchema,
} satisfies FieldsOf<ConnectOptions>);
const lifecycle: z.ZodType<Lifecycle | undefined> = z
  .strictObject({
    onTimeout: z.enum(["kill", "pause"]).optional(),
    keepMemory: z.boolean().optional(),
    autoResume: z.boolean().optional(),
    pausedTtlMs: z.union([z.int().positive(), z.literal(false)]).optional(),
  } satisfies FieldsOf<Lifecycle>)
  .refine(({ onTimeout, keepMemory, autoResume }) =>
    onTimeout === "pause"
      ? keepMemory !== false || !autoResume
      : keepMemory !== false && !autoResume,
  )
  .optional()
  .describe(
    '`{ onTimeout: "kill" | "pause", keepMemory: boolean, autoResume: boolean, pausedTtlMs: milliseconds or false }`, the second and third only with `"pause"`, and no `autoResume` without memory',
  );

/** Options that are checked here, and again by providers, which can be called without a `Sandbox`. */
export const sharedOptions: {
  readonly lifecycle: z.ZodType<Lifecycle | undefined>;
  readonly network: z.ZodType<boolean | NetworkOptions | undefined>;
  readonly networkCeiling: typeof ceilingSchema;
  readonly secrets: typeof secretsSchema;
  readonly volumeMounts: typeof volumeMountsSchema;
  /** A function that is told of each decision of the network policy. */
  readonly onNetwork: z.ZodType<((event: NetworkEvent) => void) | undefined>;
  readonly mcp: z.ZodType<McpServers | undefined>;
} = {
  lifecycle,
  network: networkSchema.optional().describe(networkSchema.description!),
  networkCeiling: ceilingSchema,
  secrets: secretsSchema,
  volumeMounts: volumeMountsSchema,
  onNetwork: callback<(event: NetworkEvent) => void>(),
  mcp: mcpServers.optional().describe(mcpServers.description!).meta({ secret: true }),
};
const shapeFields = {
  template: snapshotId.optional().describe("a template's name or a snapshot's id"),
  memoryMB: positiveInteger,
  cpuCount: positiveInteger,
};
const prepareSchema = z.strictObject({
  signal,
  ...shapeFields,
  networkCeiling: ceilingSchema,
} satisfies FieldsOf<PrepareOptions>);
const createSchema = z.strictObject({
  ...timeFields,
  ...shapeFields,
  diskMB: positiveInteger,
  envs,
  metadata: z.record(z.string(), z.string()).optional().describe("an object of strings"),
  ...sharedOptions,
  workspaces: workspaceMountsSchema,
} satisfies FieldsOf<CreateOptions>);

const createWithProvider = z.strictObject({
  provider,
  ...createSchema.shape,
  audit: auditSchema,
  workspace: workspaceSchema,
  workspaces: workspacesSchema,
});
const sourceSchema = createWithProvider.omit({ signal: true });
const connectWithProvider = z.strictObject({
  provider,
  ...connectSchema.shape,
  audit: auditSchema,
});

export function parseCreateOptions(options: unknown): CheckedCreateOptions {
  return parseOptions(createWithProvider, options);
}

/**
 * Refuses options of capabilities that the provider does not claim, since it might not even look at them.
 * @throws `unsupported`
 */
export function refuseUnclaimed(
  asked: SandboxProvider,
  options: Omit<CreateOptions, "workspaces">,
): void {
  const { network = true, secrets, onNetwork, lifecycle: wanted } = options;
  const { capabilities } = asked;
  const isRestricted = network !== true || secrets !== undefined || onNetwork !== undefined;
  if (isRestricted && !capabilities.network)
    throw unsupported(asked, "restrict the network of a sandbox, or watch it");
  refuseNetwork(asked, network);
  if (options.networkCeiling !== undefined && !capabilities.networkCeiling)
    throw unsupported(asked, "hold a sandbox's network to a ceiling");
  if (options.mcp !== undefined && !capabilities.mcp)
    throw unsupported(asked, "run MCP servers in a sandbox");
  if (Object.keys(options.volumeMounts ?? {}).length > 0 && !capabilities.volumes)
    throw unsupported(asked, "mount volumes");
  if (wanted?.onTimeout === "pause" && !capabilities.pause)
    throw unsupported(asked, "pause a sandbox at the end of its time");
  if (wanted?.pausedTtlMs !== undefined && !capabilities.pausedTtl)
    throw unsupported(asked, "remove a paused sandbox after a time, or keep it for ever");
}

/**
 * Checks the options that all sandboxes of a source are created with; they have no signal, which belongs to a single
 * call.
 */
export function parseSourceOptions(options: unknown): Omit<CheckedCreateOptions, "signal"> {
  return parseOptions(sourceSchema, options);
}

export function parseConnectOptions(options: unknown): SandboxConnectOptions {
  return parseOptions(connectWithProvider, options);
}

export function parseProviderOptions(options: unknown): ProviderOptions {
  return parseOptions(providerSchema, options);
}

export const parseCreate = (options: unknown): CreateOptions => parseOptions(createSchema, options);
export const parseConnect = (options: unknown): ConnectOptions =>
  parseOptions(connectSchema, options);
export const parsePrepare = (options: unknown): PrepareOptions =>
  parseOptions(prepareSchema, options);
