// index
import { AgentFile, agentFiles, mcpGateway } from "./declarations.js";
export { type AgentFile, agentFiles, mcpGateway };

// declarations
export interface AgentFile {
  readonly target: string;
  readonly content: Buffer;
  readonly executable: boolean;
}
export declare function agentFiles(architecture: "arm64" | "x64"): Promise<AgentFile[]>;
export declare function mcpGateway(): Promise<Buffer>;
