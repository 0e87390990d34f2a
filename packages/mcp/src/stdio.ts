import {
  serveStdio as serveConnection,
  StdioServerTransport,
} from "@modelcontextprotocol/server/stdio";
import { parseOptions } from "@emberbox/core";
import { SandboxTools, type SandboxSource } from "@emberbox/core/tools";
import { z } from "zod";
import { answerFields, createMcpServer, type McpOptions } from "./server.ts";

const schema = z.strictObject(answerFields);

/** A connection over standard input and output. */
export interface McpStdioServer extends AsyncDisposable {
  /** Resolves when the client has gone: its end of a stream is closed. */
  readonly closed: Promise<void>;
}

/** Tells of its end, whoever brings it about. */
class Streams extends StdioServerTransport {
  readonly #closed = Promise.withResolvers<void>();
  readonly closed: Promise<void> = this.#closed.promise;

  override async close(): Promise<void> {
    await super.close();
    this.#closed.resolve();
  }
}

/**
 * Serves the tools to the program that started this one, over standard input and output: nothing else may be written
 * to the latter. They work in a sandbox that was given, or in one of a provider or of the engine on this machine, made
 * when first needed. `await using` ends the connection, and the sandbox that was made here.
 * @throws `invalid_argument`, `unsupported`
 */
export function serveStdio(source?: SandboxSource, options: McpOptions = {}): McpStdioServer {
  const { structuredContent: whole, ...toolOptions } = options;
  const { structuredContent } = parseOptions(schema, { structuredContent: whole });
  const tools = new SandboxTools(source, toolOptions);
  const transport = new Streams();
  const connection = serveConnection(() => createMcpServer(tools, { structuredContent }), {
    transport,
    onerror: (error) => tools.sessions.report(error),
  });
  return {
    closed: transport.closed,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await tools[Symbol.asyncDispose]();
    },
  };
}
