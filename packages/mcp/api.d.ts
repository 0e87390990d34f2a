// index
import { McpHttpOptions, McpOptions, createMcpServer, serveHttp, serveStdio } from "./declarations.js";
export { type McpHttpOptions, type McpOptions, createMcpServer, serveHttp, serveStdio };

// declarations
import { Server } from "@modelcontextprotocol/server";
import { CallCheckpoints, SandboxSource, SandboxTools, ToolOptions } from "@emberbox/core/tools";
export interface McpOptions extends Omit<ToolOptions, "checkpoints"> {
  readonly structuredContent?: boolean | undefined;
  readonly applyChanges?: boolean | undefined;
  readonly checkpoints?: boolean | CallCheckpoints | undefined;
}
type AnswerOptions = Pick<McpOptions, "structuredContent" | "applyChanges" | "checkpoints">;
interface McpConnectionOptions extends AnswerOptions {
  readonly threadId?: string | undefined;
  readonly prefix?: string | undefined;
}
export declare function createMcpServer(tools: SandboxTools, options?: McpConnectionOptions): Server;
interface McpStdioServer extends AsyncDisposable {
  readonly closed: Promise<void>;
}
export declare function serveStdio(source?: SandboxSource, options?: McpOptions): McpStdioServer;
export interface McpHttpOptions extends McpOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly token?: string | undefined;
  readonly allowedHosts?: readonly string[] | undefined;
  readonly allowedOrigins?: readonly string[] | undefined;
  readonly maxSessions?: number | undefined;
}
interface McpHttpServer extends AsyncDisposable {
  readonly url: string;
}
export declare function serveHttp(source?: SandboxSource, options?: McpHttpOptions): Promise<McpHttpServer>;
export {};
