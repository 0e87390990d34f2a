import { z } from "zod";
import { envs, parseOptions, positiveInteger, signal } from "./options.ts";
import type { ConnectOptions, CreateOptions, SandboxProvider } from "./provider.ts";

export interface ProviderOptions {
  /** Where sandboxes come from. It stays yours: closing a sandbox does not close it. */
  readonly provider: SandboxProvider;
}

export interface SandboxCreateOptions extends CreateOptions, ProviderOptions {}
export interface SandboxConnectOptions extends ConnectOptions, ProviderOptions {}

const provider = z
  .custom<SandboxProvider>(
    (value) => typeof value === "object" && value !== null && "create" in value,
  )
  .describe("a provider");

const connectFields = { provider, signal, timeoutMs: positiveInteger };
const providerSchema = z.strictObject({ provider });
const connectSchema = z.strictObject(connectFields);
const createSchema = z.strictObject({
  ...connectFields,
  template: z.string().min(1).optional().describe("a template's name"),
  memoryMB: positiveInteger,
  cpuCount: positiveInteger,
  diskMB: positiveInteger,
  envs,
  metadata: z.record(z.string(), z.string()).optional().describe("an object of strings"),
});

export function parseCreateOptions(options: unknown): SandboxCreateOptions {
  return parseOptions(createSchema, options);
}

export function parseConnectOptions(options: unknown): SandboxConnectOptions {
  return parseOptions(connectSchema, options);
}

export function parseProviderOptions(options: unknown): ProviderOptions {
  return parseOptions(providerSchema, options);
}
