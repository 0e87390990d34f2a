// The public API of `@emberbox/ai-sdk`.
export { bash, codeExecution, createSandboxTools } from "./tools/create.ts";
export type { SandboxToolSet, SandboxToolSetOptions } from "./tools/create.ts";
export type { AiSandboxTool, AiToolOptions, SandboxOutput } from "./tools/tool.ts";
export type { SandboxPicture, SandboxResult, StorePicture } from "./tools/pictures.ts";
export type { ToolSource } from "./conversation.ts";
export { sandboxApproval } from "./tools/approval.ts";
export type { ApprovalPolicy, ApprovalStatus } from "./tools/approval.ts";
