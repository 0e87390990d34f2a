// The public API of `@emberbox/ai-sdk/bash-tool`.
export { bashToolSandbox } from "./sandbox.ts";
export type { BashToolSandbox, BashToolSandboxOptions } from "./sandbox.ts";
