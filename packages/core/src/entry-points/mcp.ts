// The public API of `@emberbox/core/mcp`: the MCP servers that a sandbox may have, and how they are checked.
export { mcpKindOf, mcpKinds, mcpServers } from "../mcp-servers.ts";
export type {
  CommandMcpServer,
  GithubMcpServer,
  McpServers,
  NpmMcpServer,
  PypiMcpServer,
} from "../mcp-servers.ts";
