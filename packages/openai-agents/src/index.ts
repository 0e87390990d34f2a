// The public API: anything not exported here is internal to this package.
export { EmberboxSandboxClient } from "./client.ts";
export type { EmberboxSandboxClientOptions } from "./options.ts";
export type { EmberboxSandboxSession } from "./session.ts";
export { capabilities } from "./capabilities.ts";
export type { CapabilitiesOptions } from "./capabilities.ts";
export { runCode } from "./run-code.ts";
export type { RunCodeOptions } from "./run-code.ts";
export { sandboxTools } from "./tools.ts";
export type { AgentSandboxTools, ReturnOptions, SavedRun, SandboxToolsOptions } from "./tools.ts";
