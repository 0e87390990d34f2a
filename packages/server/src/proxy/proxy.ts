import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { ENVD_PORT, INTERPRETER_PORT, isAgentPort, userPath } from "@emberbox/core/envd";
import type { SandboxConnection } from "@emberbox/core/provider";
import {
  credentialHeaders,
  maskedHost,
  type Onward,
  parseUrl,
  passOn,
  passUpgrade,
  refusals,
  type Target,
  withoutSignature,
} from "@emberbox/ingress";
import type { Logger } from "pino";
import { errors } from "undici/index.js";
import { ApiError, toApiError } from "../api-error.ts";
import type { Followers } from "../observed/follow.ts";
import type { Samples } from "../observed/samples.ts";
import type { Settings } from "../options.ts";
import type { Sandboxes } from "../sandboxes.ts";
import type { AgentAudit, RecordedRequest } from "../audit/agent-audit.ts";
import { type Keyring, operator } from "../tenants.ts";
import { demandAccess, findShown, isForSome, TrafficError } from "./access.ts";
import { sendError, writeError } from "./answer.ts";
import { headersInside } from "./headers.ts";
import { requested } from "./target.ts";

/** Passes traffic on to sandboxes. */
export interface Proxy {
  /** True for requests to a sandbox rather than to the server itself. */
  claims(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
}

interface Route {
  readonly target: Target;
  readonly connection: SandboxConnection;
  /** What to call when the request is over. */
  readonly atEnd: (() => void)[];
}

export interface ProxyOptions {
  readonly log: Logger;
  readonly codeUser: Settings["codeUser"];
  readonly samples: Pick<Samples, "use">;
  readonly followers: Pick<Followers, "follow">;
  /** Records what is asked of agents, where there is an audit log. */
  readonly audit?: AgentAudit | undefined;
}

/** Concurrent requests to one sandbox's own servers: strangers leave room for what its owner does. */
const MOST_VISITS = 512;

export function createProxy(
  sandboxes: Sandboxes,
  keys: Keyring,
  { log, codeUser, samples, followers, audit }: ProxyOptions,
): Proxy {
  const visits = new Map<string, number>();

  /** Counts a request; returns what to call at its end. @throws 429 */
  function countVisit(target: Target): () => void {
    const { sandboxId, port } = target;
    if (isAgentPort(port)) return () => {};
    const others = visits.get(sandboxId) ?? 0;
    if (others >= MOST_VISITS)
      throw new TrafficError(429, target, "Too many connections to the sandbox");
    visits.set(sandboxId, others + 1);
    return () => {
      const left = visits.get(sandboxId)! - 1;
      if (left > 0) visits.set(sandboxId, left);
      else visits.delete(sandboxId);
    };
  }

  async function route(request: IncomingMessage, end: ServerResponse | Duplex): Promise<Route> {
    const target = requested(request) ?? (await findUnnamed(request));
    const { sandboxId } = target;
    const network = sandboxes.registry.network(sandboxId);
    demandAccess(request, target, sandboxes.registry.tokens(sandboxId), network);
    const atEnd = [countVisit(target)];
    end.once("close", () => {
      for (const each of atEnd) each();
    });
    try {
      const connection = await sandboxes.reach(sandboxId);
      if (!end.destroyed) atEnd.push(samples.use(sandboxId));
      return { target, connection, atEnd };
    } catch (error) {
      const known = toApiError(error);
      if (known.status !== 404) throw error;
      throw new TrafficError(502, target, refusals.gone.message);
    }
  }

  async function findUnnamed(request: IncomingMessage): Promise<Target> {
    const url = parseUrl(request.url);
    if (url === undefined) throw new ApiError(400, "Invalid path");
    const ids = (await sandboxes.registry.list(operator)).map(({ info }) => info.sandboxId);
    const sandboxId = findShown(request, url, ids, (id) => sandboxes.registry.tokens(id));
    if (sandboxId !== undefined) return { sandboxId, port: ENVD_PORT };
    if (request.headers["x-access-token"] === undefined)
      throw new ApiError(401, "invalid signature");
    // Most likely the token of one that has ended.
    throw new ApiError(502, refusals.gone.message);
  }

  /** What the sandbox is sent: without our own headers, with those that its provider wants. */
  function onward(request: IncomingMessage, { target, connection }: Route): Onward {
    const { sandboxId, port } = target;
    const { maskRequestHost, httpsPorts = [] } = sandboxes.registry.network(sandboxId);
    const tls = httpsPorts.includes(port);
    const { origin, dispatcher, headers } = connection.endpoint(port, { tls });
    const own = Object.keys(headers).map((name) => name.toLowerCase());
    const passed = headersInside(request.rawHeaders, {
      host: port === ENVD_PORT ? undefined : maskedHost(maskRequestHost, port),
      isKey: keys.has,
      without: new Set([...own, ...(isAgentPort(port) ? credentialHeaders : [])]),
    });
    const url = new URL(origin + request.url);
    if (port === INTERPRETER_PORT && codeUser !== "user") nameUser(codeUser, request.method, url);
    return {
      url: port === ENVD_PORT ? withoutSignature(url) : url,
      dispatcher,
      headers: [...passed, ...Object.entries(headers).flat()],
    };
  }

  async function record(
    request: IncomingMessage,
    { target }: Route,
    { url }: Onward,
  ): Promise<RecordedRequest | undefined> {
    if (audit === undefined) return undefined;
    const tenant = sandboxes.registry.tenant(target.sandboxId);
    return audit.begin(request, { target, tenant, url: new URL(url) });
  }

  return {
    claims(request) {
      try {
        return requested(request) !== undefined || isForSome(request);
      } catch {
        return true; // The proxy reports what is wrong with it.
      }
    },
    async handle(request, response) {
      request.on("error", () => {});
      response.on("error", () => {});
      try {
        const found = await route(request, response);
        const { method, url } = request;
        const follower = followers.follow({ ...found.target, method, url });
        if (follower) found.atEnd.push(() => follower.end());
        const going = onward(request, found);
        const recorded = await record(request, found, going);
        const sent = { ...going, onData: follower?.take, ...recorded?.replaces(follower?.take) };
        try {
          await passOn(request, response, sent);
        } catch (error) {
          await recorded?.end(response, error);
          throw unreachable(found, error);
        }
        await recorded?.end(response);
      } catch (error) {
        if (response.headersSent) response.destroy();
        else if (!response.destroyed) sendError(request, response, error, log);
      }
    },
    async upgrade(request, socket, head) {
      socket.on("error", () => socket.destroy());
      try {
        const found = await route(request, socket);
        const sent = onward(request, found);
        await passUpgrade(request, socket, head, sent).catch((error: unknown) => {
          throw unreachable(found, error);
        });
      } catch (error) {
        writeError(socket, error, log);
      }
    },
  };
}

/** Has the interpreter run as a user what it would else run as the sandbox's own. */
function nameUser(user: string, method: string | undefined, url: URL): void {
  const path = url.pathname;
  if (method === "POST" && (path === "/execute" || path === "/contexts"))
    url.pathname = userPath(user, path);
}

function unreachable({ target, connection }: Route, cause: unknown): ApiError {
  if (cause instanceof errors.InvalidArgumentError) return new ApiError(400, "Invalid request");
  const { message } = connection.gone() === undefined ? refusals.closed : refusals.gone;
  const error = new TrafficError(502, target, message);
  error.cause = cause;
  return error;
}
