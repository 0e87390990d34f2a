import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import type { NetworkCeiling } from "@emberbox/core/network";
import type { AuditOptions } from "@emberbox/core/audit";
import { auditSchema, type FieldsOf, parseOptions, sharedOptions } from "@emberbox/core/options";
import type { SandboxProvider } from "@emberbox/core/provider";
import type { Logger } from "pino";
import { z } from "zod";
import { type QuotasOption, quotasSchema } from "./quotas.ts";
import { DEFAULT_TENANT, tenantName } from "./tenants.ts";

/** How the server listens, whom it serves, and within which limits. */
export interface ServeOptions {
  /** Where sandboxes come from. The server does not close it. */
  readonly provider: SandboxProvider;
  /** @default "127.0.0.1" */
  readonly host?: string | undefined;
  /** 0 chooses any free port. @default 3000 */
  readonly port?: number | undefined;
  /**
   * Who may use it: a list of keys for one tenant, or several tenants' keys by name; each tenant sees only its own
   * things. Required unless the server listens on this machine only; there one is made.
   */
  readonly apiKeys?: ApiKeys | undefined;
  /** A key that sees what all tenants have. */
  readonly operatorKey?: string | undefined;
  /**
   * Names, without ports, that requests may give as `Host` besides the server's own.
   * @default any when others can reach it, none on this machine only
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Maximum connections at once; one address may have half of them. @default 4096 */
  readonly maxConnections?: number | undefined;
  /** The suffix of sandboxes' host names: `{port}-{id}.{domain}`. @default `localhost:{port}` */
  readonly domain?: string | undefined;
  /** Serves HTTPS and HTTP/2: a certificate and its key as PEM, or "self-signed" for one that is made and kept. */
  readonly tls?: { readonly cert: string; readonly key: string } | "self-signed" | undefined;
  /** Directory of the server's own state. @default `server` in `EMBERBOX_HOME` or the user's cache directory */
  readonly stateDirectory?: string | undefined;
  /** Sandboxes that may run at once. @default no limit but memory */
  readonly maxSandboxes?: number | undefined;
  /** What each tenant may have at once, by name; `*` applies to all others. @default no limit */
  readonly quotas?: QuotasOption | undefined;
  /** Memory of each sandbox, in MiB. @default the provider's */
  readonly memoryMB?: number | undefined;
  /** Processors of each sandbox. @default the provider's */
  readonly cpuCount?: number | undefined;
  /**
   * Who runs the code of clients that name no user, as E2B's do not: the sandbox's own user, or root, as in E2B.
   * @default "user"
   */
  readonly codeUser?: "user" | "root" | undefined;
  /** What no request may exceed for its sandbox's network. @default true: public addresses only */
  readonly network?: NetworkCeiling | undefined;
  /** What webhooks may reach; false for no webhooks. @default what `network` says */
  readonly webhooks?: NetworkCeiling | undefined;
  /** Memory that the host must have left after a sandbox has started, in MiB. @default 256 */
  readonly reserveMB?: number | undefined;
  /** What happens to running sandboxes when the server is closed. @default "kill" */
  readonly onShutdown?: "pause" | "kill" | undefined;
  /** How long closing may take, in ms. @default 30_000 */
  readonly shutdownTimeoutMs?: number | undefined;
  /** Records what clients ask of sandboxes, and what sandboxes try to reach. */
  readonly audit?: AuditOptions | undefined;
  /** @default a log of warnings on standard error */
  readonly logger?: Logger | undefined;
}

/** Keys of the tenant `default`, or keys by tenant. */
export type ApiKeys = readonly string[] | Readonly<Record<string, string | readonly string[]>>;

const text = z.string().min(1);
const key = z.string().regex(/^[\x21-\x7e]{8,200}$/);
const schema = z.strictObject({
  provider: z
    .custom<SandboxProvider>((value) => typeof value === "object" && value !== null)
    .describe("a provider"),
  host: text.default("127.0.0.1").describe("a host name or address"),
  port: z.int().min(0).max(65_535).default(3000).describe("a port from 0 to 65535"),
  apiKeys: z
    .union([z.array(key), z.record(tenantName, z.union([key, z.array(key).min(1)]))])
    .default([])
    .describe("keys of 8 to 200 printable characters: a list, or an object of them by tenant")
    .meta({ secret: true }),
  operatorKey: key
    .optional()
    .describe("a key of 8 to 200 printable characters")
    .meta({ secret: true }),
  allowedHosts: z
    .array(z.string().regex(/^[^\s/:]+$/))
    .optional()
    .describe("a list of host names without ports"),
  maxConnections: z.int().min(2).default(4096).describe("a whole number from 2"),
  domain: z
    .string()
    .regex(/^[a-z0-9.-]+(:\d{1,5})?$/i)
    .optional()
    .describe("a domain, with a port where it is not the usual one"),
  tls: z
    .union([z.literal("self-signed"), z.strictObject({ cert: text, key: text })])
    .optional()
    .describe('`{ cert, key }` in PEM, or "self-signed"')
    .meta({ secret: true }),
  stateDirectory: text.optional().describe("the path of a directory"),
  quotas: quotasSchema,
  maxSandboxes: z.int().min(1).optional().describe("a positive integer"),
  memoryMB: z.int().min(1).optional().describe("a positive integer"),
  cpuCount: z.int().min(1).optional().describe("a positive integer"),
  codeUser: z.enum(["user", "root"]).default("user").describe("`user` or `root`"),
  network: sharedOptions.networkCeiling,
  webhooks: sharedOptions.networkCeiling,
  reserveMB: z.int().min(0).default(256).describe("a non-negative integer"),
  onShutdown: z.enum(["pause", "kill"]).default("kill").describe("`pause` or `kill`"),
  shutdownTimeoutMs: z.int().min(1).default(30_000).describe("a positive integer"),
  audit: auditSchema,
  logger: z
    .custom<Logger>((value) => typeof value === "object")
    .optional()
    .describe("a logger of pino"),
} satisfies FieldsOf<ServeOptions>);

export interface Settings extends Omit<z.output<typeof schema>, "stateDirectory" | "apiKeys"> {
  readonly stateDirectory: string;
  /** Keys by tenant; empty when one is to be made. */
  readonly tenants: ReadonlyMap<string, readonly string[]>;
}

/** @throws `invalid_argument`, also if others could reach the server without a key */
export function resolveOptions(options: ServeOptions): Settings {
  const { apiKeys, ...settings } = parseOptions(schema, options);
  const { onShutdown, provider, host, operatorKey } = settings;
  const tenants = tenantsOf(apiKeys);
  const keys = [...tenants.values(), operatorKey ?? []].flat();
  if (new Set(keys).size < keys.length)
    throw new EmberboxError(
      "invalid_argument",
      "A key is given twice: it can be one tenant's only",
    );
  if (tenants.size === 0 && !isLoopback(host)) {
    throw new EmberboxError(
      "invalid_argument",
      `Others can reach ${host}: the server needs an API key there`,
      { hint: `Give it one (--api-key ${newApiKey()}), or listen on 127.0.0.1.` },
    );
  }
  if (onShutdown === "pause" && provider.pause === undefined) {
    throw new EmberboxError("unsupported", `The provider ${provider.name} cannot pause sandboxes`);
  }
  if ((settings.network ?? true) !== true && !provider.capabilities.networkCeiling) {
    throw new EmberboxError(
      "unsupported",
      `The provider ${provider.name} has no ceiling of networks`,
    );
  }
  if (settings.webhooks && provider.addressesOf === undefined)
    throw new EmberboxError("unsupported", `The provider ${provider.name} has no webhooks`);
  return {
    ...settings,
    tenants,
    stateDirectory: settings.stateDirectory ?? defaultStateDirectory(),
  };
}

function tenantsOf(apiKeys: ApiKeys): Map<string, readonly string[]> {
  if (Array.isArray(apiKeys)) return new Map(apiKeys.length > 0 ? [[DEFAULT_TENANT, apiKeys]] : []);
  return new Map(Object.entries(apiKeys).map(([tenant, keys]) => [tenant, [keys].flat()]));
}

/** A new key in E2B's form, which its older SDKs insist on. */
export function newApiKey(): string {
  return `e2b_${randomBytes(20).toString("hex")}`;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function defaultStateDirectory(): string {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(process.env["EMBERBOX_HOME"] || join(cache, "emberbox"), "server");
}
