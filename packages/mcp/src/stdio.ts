import {
  serveStdio as serveConnection,
  StdioServerTransport,
} from "@modelcontextprotocol/server/stdio";
import { parseOptions } from "@emberbox/core/options";
import { SandboxTools, type SandboxSource } from "@emberbox/core/tools";
import { z } from "zod";
import { fittingPictures } from "./answer.ts";
import { answerFields, createMcpServer, type McpOptions } from "./server.ts";

const schema = z.strictObject(answerFields);

/** A connection over standard input and output. `await using` ends it. */
export interface McpStdioServer extends AsyncDisposable {
  /** Resolves once the client has gone, that is, when it has closed its end of a stream. */
  readonly closed: Promise<void>;
}

/** A transport that reports its end, whichever side closes it. */
class Streams extends StdioServerTransport {
  readonly #closed = Promise.withResolvers<void>();
  readonly closed: Promise<void> = this.#closed.promise;

  override async close(): Promise<void> {
    await super.close();
    this.#closed.resolve();
  }
}

/**
 * Serves the tools to the program that started this one, over standard input and output; nothing else may write to
 * standard output. They work in the given sandbox, or in one of a provider (by default the engine on this machine),
 * created when first needed. `await using` ends the connection and the sandbox created here.
 * @throws `invalid_argument`, `unsupported`
 */
export function serveStdio(source?: SandboxSource, options: McpOptions = {}): McpStdioServer {
  const { structuredContent, applyChanges, ...toolOptions } = options;
  const answers = parseOptions(schema, { structuredContent, applyChanges });
  const tools = new SandboxTools(source, fittingPictures(toolOptions));
  const transport = new Streams();
  const connection = serveConnection(() => createMcpServer(tools, answers), {
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
