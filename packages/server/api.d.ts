// index
import { EmberboxServer, ServeOptions, newApiKey, serve } from "./declarations.js";
export { type EmberboxServer, type ServeOptions, newApiKey, serve };

// declarations
import { NetworkCeiling } from "@emberbox/core/network";
import { AuditOptions } from "@emberbox/core/audit";
import { SandboxProvider } from "@emberbox/core/provider";
import { Logger } from "pino";
interface Quota {
  readonly sandboxes?: number | undefined;
  readonly memoryMB?: number | undefined;
  readonly snapshots?: number | undefined;
  readonly diskMB?: number | undefined;
}
type QuotasOption = Readonly<Record<string, Quota>>;
export interface ServeOptions {
  readonly provider: SandboxProvider;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly apiKeys?: ApiKeys | undefined;
  readonly operatorKey?: string | undefined;
  readonly allowedHosts?: readonly string[] | undefined;
  readonly maxConnections?: number | undefined;
  readonly domain?: string | undefined;
  readonly tls?: {
    readonly cert: string;
    readonly key: string;
  } | "self-signed" | undefined;
  readonly stateDirectory?: string | undefined;
  readonly maxSandboxes?: number | undefined;
  readonly quotas?: QuotasOption | undefined;
  readonly memoryMB?: number | undefined;
  readonly cpuCount?: number | undefined;
  readonly codeUser?: "user" | "root" | undefined;
  readonly network?: NetworkCeiling | undefined;
  readonly webhooks?: NetworkCeiling | undefined;
  readonly reserveMB?: number | undefined;
  readonly onShutdown?: "pause" | "kill" | undefined;
  readonly shutdownTimeoutMs?: number | undefined;
  readonly audit?: AuditOptions | undefined;
  readonly logger?: Logger | undefined;
}
type ApiKeys = readonly string[] | Readonly<Record<string, string | readonly string[]>>;
export declare function newApiKey(): string;
export interface EmberboxServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly domain: string;
  readonly apiKey: string;
  readonly certificateFile: string | undefined;
  readonly trustFile: string | undefined;
  readonly lost: number;
  close(): Promise<void>;
}
export declare function serve(options: ServeOptions): Promise<EmberboxServer>;
export {};
