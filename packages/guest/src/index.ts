export { agentFiles, type AgentFile } from "./files.ts";
