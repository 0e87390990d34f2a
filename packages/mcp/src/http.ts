import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hostHeaderValidation, originValidation } from "@modelcontextprotocol/node";
import { background } from "@emberbox/core/background";
import { SandboxTools, type SandboxSource } from "@emberbox/core/tools";
import { fittingPictures } from "./answer.ts";
import {
  hostName,
  type HttpSettings,
  type McpHttpOptions,
  resolveHttpOptions,
} from "./http-options.ts";
import { HttpSessions, refuse } from "./http-sessions.ts";

/** A running server. `await using` ends it. */
export interface McpHttpServer extends AsyncDisposable {
  /** The URL that clients connect to. */
  readonly url: string;
}

const PATH = "/mcp";
/** The default of the tools. */
const IDLE_TIMEOUT_MS = 900_000;
/** How long the head of a request, and the whole of it, may take, in milliseconds. */
const LIMITS = {
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5000,
  /** Longer than clients keep connections that they do not use: whoever closes first can cut off no request. */
  keepAliveTimeout: 65_000,
};
/** A client uses one to listen and others to call. */
const CONNECTIONS_OF_SESSION = 4;

/**
 * Serves the tools over streamable HTTP, on this machine only unless told otherwise. Each MCP session works in its own
 * sandbox, which ends with the session or after `idleTimeoutMs` without use. Sessions whose URL ends with
 * `?conversation=NAME` share a sandbox, which only the idle time ends; a sandbox that was given is shared by all
 * sessions. `await using` ends the server and the sandboxes created here.
 * @throws `invalid_argument`, `unsupported`, and what listening throws
 */
export async function serveHttp(
  source?: SandboxSource,
  options: McpHttpOptions = {},
): Promise<McpHttpServer> {
  const settings = resolveHttpOptions(options);
  const tools = new SandboxTools(source, fittingPictures(settings.toolOptions), "mcp");
  const { idleTimeoutMs = IDLE_TIMEOUT_MS, prefix } = settings.toolOptions;
  const sessions = new HttpSessions(tools, { ...settings, idleTimeoutMs, prefix });
  const mayPass = guard(settings);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      if (mayPass(request, response)) await sessions.handle(request, response);
    } catch (error) {
      tools.sessions.report(error);
      if (!response.headersSent) refuse(response, 500, "The server failed");
      else response.destroy();
    }
  };
  const server = createServer(LIMITS, (request, response) =>
    background(answer(request, response), (error) => tools.sessions.report(error)),
  );
  server.maxConnections = settings.maxSessions * CONNECTIONS_OF_SESSION;
  server.listen(settings.port, settings.host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${hostName(settings.host)}:${port}${PATH}`,
    async [Symbol.asyncDispose]() {
      server.close();
      await sessions[Symbol.asyncDispose]();
      server.closeAllConnections();
      await tools[Symbol.asyncDispose]();
    },
  };
}

type Guard = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Decides whether to handle a request; one that is refused has already been answered. */
function guard({ token, allowedHosts, allowedOrigins }: HttpSettings): Guard {
  const isKnownHost = allowedHosts && hostHeaderValidation([...allowedHosts]);
  const isKnownOrigin = originValidation([...allowedOrigins]);
  const expected = token === undefined ? undefined : digest(`Bearer ${token}`);
  return (request, response) => {
    if (isKnownHost?.(request, response) === false || !isKnownOrigin(request, response))
      return false;
    if (request.url?.split("?")[0] !== PATH) {
      refuse(response, 404, `There is nothing but ${PATH} here`);
      return false;
    }
    const given = digest(request.headers.authorization ?? "");
    if (expected === undefined || timingSafeEqual(given, expected)) return true;
    response.setHeader("www-authenticate", "Bearer");
    refuse(response, 401, "Expected `Authorization: Bearer` with the token of this server");
    return false;
  };
}

/** Always of the same length, as a constant-time comparison requires. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
