// This file is the public API: a name that is not here is not for use outside this package.
export { EmberboxSandboxClient } from "./client.ts";
export type { EmberboxSandboxClientOptions } from "./options.ts";
export type { EmberboxSandboxSession } from "./session.ts";
export { capabilities } from "./capabilities.ts";
export type { CapabilitiesOptions } from "./capabilities.ts";
export { runCode } from "./run-code.ts";
export type { RunCodeOptions } from "./run-code.ts";
export { sandboxTools } from "./tools.ts";
export type { AgentSandboxTools, SandboxToolsOptions } from "./tools.ts";
