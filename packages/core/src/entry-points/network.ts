// The public API of `@emberbox/core/network`: what sandboxes may reach, and what they reached.
export type {
  EgressProxy,
  NetworkCeiling,
  NetworkEvent,
  NetworkLog,
  NetworkOptions,
  NetworkRefusal,
  NetworkRule,
  PairMatch,
  RequestMatch,
  SandboxSecret,
  TextMatch,
} from "../provider.ts";
