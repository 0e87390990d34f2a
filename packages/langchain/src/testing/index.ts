// The public API of `@emberbox/langchain/testing`: what a sandbox backend of deepagents must do.
export { describeSandboxBackend } from "./backend-suite.ts";
