// This file is the public API of `@emberbox/langchain/deepagents`.
export { createSandboxBackend, SandboxBackend } from "./backend.ts";
export type { SandboxBackendOptions } from "./backend.ts";
