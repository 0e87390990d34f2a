// The public API of `@emberbox/ai-sdk/session`.
export { createSandboxSession } from "./create.ts";
export type { OwnedSandboxSession, SandboxSessionOptions } from "./create.ts";
export type {
  ProcessOptions,
  RestrictedSandboxSession,
  SandboxProcess,
  SandboxSession,
  WritableSandboxProcess,
} from "./types.ts";
