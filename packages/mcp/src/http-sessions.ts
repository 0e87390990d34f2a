import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import type { Server } from "@modelcontextprotocol/server";
import type { SandboxTools } from "@emberbox/core/tools";
import { createMcpServer } from "./server.ts";

interface HttpSession {
  readonly server: Server;
  readonly transport: NodeStreamableHTTPServerTransport;
}

interface HttpSessionsOptions {
  readonly maxSessions: number;
  readonly structuredContent: boolean | undefined;
}

const CONVERSATION = /^[\w-]{1,100}$/;

/**
 * The MCP sessions of a server. Each has a conversation of its own with the tools, which ends with it; those that name
 * one in their URL share it, and leave it to its idle time.
 */
export class HttpSessions implements AsyncDisposable {
  readonly #tools: SandboxTools;
  readonly #options: HttpSessionsOptions;
  /** By id; the one used last is last. */
  readonly #open = new Map<string, HttpSession>();
  readonly #ending = new Set<Promise<unknown>>();

  constructor(tools: SandboxTools, options: HttpSessionsOptions) {
    this.#tools = tools;
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = request.headers["mcp-session-id"];
    if (id === undefined) return this.#begin(request, response);
    const session = this.#open.get(String(id));
    if (session === undefined) {
      return refuse(response, 404, "There is no such session (any more); initialize a new one");
    }
    this.#open.delete(String(id));
    this.#open.set(String(id), session);
    await session.transport.handleRequest(request, response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { server } of this.#open.values()) await server.close();
    await Promise.all(this.#ending);
  }

  /** A session begins with a request that initializes it; any other has been answered with what is wrong. */
  async #begin(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = randomUUID();
    const conversation = conversationOf(request);
    if (conversation !== undefined && !CONVERSATION.test(conversation)) {
      return refuse(
        response,
        400,
        "A conversation has a name of up to 100 letters, digits, - and _",
      );
    }
    // No name can be the id of another's session.
    const threadId = conversation === undefined ? id : `conversation ${conversation}`;
    const { structuredContent } = this.#options;
    const server = createMcpServer(this.#tools, { threadId, structuredContent });
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      onsessioninitialized: () => this.#add(id, { server, transport }),
    });
    server.onclose = () => this.#end(id, threadId);
    server.onerror = (error) => this.#tools.sessions.report(error);
    await server.connect(transport);
    await transport.handleRequest(request, response);
    if (!this.#open.has(id)) await server.close();
  }

  async #add(id: string, session: HttpSession): Promise<void> {
    this.#open.set(id, session);
    if (this.#open.size <= this.#options.maxSessions) return;
    const [oldest] = this.#open.values();
    await oldest!.server.close();
  }

  #end(id: string, threadId: string): void {
    this.#open.delete(id);
    // The sandbox of a named conversation waits for its next session.
    if (threadId !== id) return;
    const { sessions } = this.#tools;
    const ending = sessions.close(id).catch((error: unknown) => sessions.report(error));
    this.#ending.add(ending);
    void ending.finally(() => this.#ending.delete(ending));
  }
}

function conversationOf({ url = "/" }: IncomingMessage): string | undefined {
  return new URLSearchParams(url.split("?")[1]).get("conversation") ?? undefined;
}

/** Answers with an error of JSON-RPC, as the transport does. */
export function refuse(response: ServerResponse, status: number, message: string): void {
  const error = { code: status === 404 ? -32_001 : -32_000, message };
  response
    .writeHead(status, { "content-type": "application/json" })
    .end(JSON.stringify({ jsonrpc: "2.0", error, id: null }));
}
