// The public API of `@emberbox/ai-sdk/harness`.
export { createEmberboxSandbox } from "./provider.ts";
export type { EmberboxHarnessProvider, HarnessSandboxOptions } from "./provider.ts";
export type { NetworkPolicy, NetworkSandboxSession } from "./network-session.ts";
