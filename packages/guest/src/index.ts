export { agentFiles, type AgentFile, mcpGateway } from "./files.ts";
