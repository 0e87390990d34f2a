import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import type { Server } from "@modelcontextprotocol/server";
import type { SandboxTools } from "@emberbox/core/tools";
import { createWatchedServer } from "./server.ts";

interface HttpSession {
  readonly server: Server;
  readonly transport: NodeStreamableHTTPServerTransport;
  /** Whether it has sent any request after the one that began it. */
  isUsed: boolean;
  /** When it last called a tool, in milliseconds since 1970; `undefined` before its first call. */
  calledAt: number | undefined;
}

interface HttpSessionsOptions {
  readonly maxSessions: number;
  /** How long an idle session keeps its sandbox, in milliseconds; 0 for ever. */
  readonly idleTimeoutMs: number;
  readonly structuredContent: boolean | undefined;
  readonly applyChanges: boolean | undefined;
}

const CONVERSATION = /^[\w-]{1,100}$/;

/**
 * The MCP sessions of a server. Each has its own conversation with the tools, which ends with it. Sessions that name a
 * conversation in their URL share it, and leave it to its idle time.
 */
export class HttpSessions implements AsyncDisposable {
  readonly #tools: SandboxTools;
  readonly #options: HttpSessionsOptions;
  /** By id, the most recently used last. */
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
    session.isUsed = true;
    this.#open.delete(String(id));
    this.#open.set(String(id), session);
    await session.transport.handleRequest(request, response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { server } of this.#open.values()) await server.close();
    await Promise.all(this.#ending);
  }

  /** A session begins with an initialization request; any other request is answered with what is wrong. */
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
    // With the prefix, no name can be another session's id.
    const threadId = conversation === undefined ? id : `conversation ${conversation}`;
    if (this.#isFull && this.#dispensable() === undefined) {
      return refuse(response, 503, "All sessions of this server are in use; try again later");
    }
    const { structuredContent, applyChanges } = this.#options;
    const connection = { threadId, structuredContent, applyChanges };
    const server = createWatchedServer(this.#tools, connection, () => {
      opened.calledAt = Date.now();
    });
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      onsessioninitialized: () => this.#add(id, opened),
    });
    const opened: HttpSession = { server, transport, isUsed: false, calledAt: undefined };
    server.onclose = () => this.#end(id, threadId);
    server.onerror = (error) => this.#tools.sessions.report(error);
    await server.connect(transport);
    await transport.handleRequest(request, response);
    if (!this.#open.has(id)) await server.close();
  }

  get #isFull(): boolean {
    return this.#open.size >= this.#options.maxSessions;
  }

  async #add(id: string, session: HttpSession): Promise<void> {
    const ended = this.#isFull ? this.#dispensable() : undefined;
    this.#open.set(id, session);
    await ended?.server.close();
  }

  /**
   * The session to end for a new one when there are too many: one that only began, else one that called no tool, else
   * one whose sandbox has gone; among those, the least recently used. None when all are at work, so that whoever begins
   * sessions by the thousand ends nobody else's.
   */
  #dispensable(): HttpSession | undefined {
    const { idleTimeoutMs } = this.#options;
    const sessions = [...this.#open.values()];
    const idleSince = idleTimeoutMs === 0 ? -Infinity : Date.now() - idleTimeoutMs;
    return (
      sessions.find(({ isUsed }) => !isUsed) ??
      sessions.find(({ calledAt }) => calledAt === undefined) ??
      sessions.find(({ calledAt }) => calledAt! < idleSince)
    );
  }

  #end(id: string, threadId: string): void {
    this.#open.delete(id);
    // The sandbox of a named conversation waits for its next session.
    if (threadId !== id) return;
    const { sessions } = this.#tools;
    const ending = sessions
      .close(id)
      .catch((error: unknown) => sessions.report(error))
      .then(() => void this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

function conversationOf({ url = "/" }: IncomingMessage): string | undefined {
  return new URLSearchParams(url.split("?")[1]).get("conversation") ?? undefined;
}

/** Answers with a JSON-RPC error, as the transport does. */
export function refuse(response: ServerResponse, status: number, message: string): void {
  const error = { code: status === 404 ? -32_001 : -32_000, message };
  response
    .writeHead(status, { "content-type": "application/json" })
    .end(JSON.stringify({ jsonrpc: "2.0", error, id: null }));
}
