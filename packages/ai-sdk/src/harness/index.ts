// The public API of `@emberbox/ai-sdk/harness`.
export { createEmberboxSandbox } from "./provider.ts";
export type { EmberboxHarnessProvider, HarnessSandboxOptions } from "./provider.ts";
export type { NetworkSandboxSession } from "./network-session.ts";
export type {
  KeyValueMatcher,
  NetworkPolicy,
  RequestTransformation,
  TextMatcher,
} from "./network-policy.ts";
