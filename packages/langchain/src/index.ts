// The public API of `@emberbox/langchain`.
export { createSandboxTools, LangChainTools } from "./tools.ts";
export type { LangChainToolOptions } from "./tools.ts";
export type { SandboxArtifact } from "./tool.ts";
export type { SandboxOutput } from "./live-output.ts";
