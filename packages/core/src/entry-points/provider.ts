// The public API of `@emberbox/core/provider`: the contract of providers, and helpers for those who write one.
import "../supported-node.ts";

export { checkedProvider } from "../checked-provider.ts";
export { templatesOf } from "../templates.ts";
export type {
  Capabilities,
  ConnectOptions,
  CreateOptions,
  Endpoint,
  EndpointOptions,
  PrepareOptions,
  SandboxConnection,
  SandboxProvider,
  SignalOptions,
  TemplateInfo,
} from "../provider.ts";
export type {
  CreateVolumeOptions,
  ListVolumeOptions,
  VolumeFiles,
  VolumeMetadata,
  VolumeWriteOptions,
} from "../volume-options.ts";
export type { ProviderOptions } from "../sandbox-options.ts";
export type { ProviderBranchOptions } from "../checkpoint-options.ts";
