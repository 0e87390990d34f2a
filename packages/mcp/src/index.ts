// This file is the public API of `@emberbox/mcp`.
export { createMcpServer } from "./server.ts";
export type { McpOptions } from "./server.ts";
export { serveStdio } from "./stdio.ts";
export { serveHttp } from "./http.ts";
export type { McpHttpOptions } from "./http-options.ts";
