// The public API of `@emberbox/langchain/deepagents`.
export { createSandboxBackend, SandboxBackend } from "./backend.ts";
export type { SandboxBackendOptions } from "./backend.ts";
