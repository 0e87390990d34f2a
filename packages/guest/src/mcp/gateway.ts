import { setTimeout as pause } from "node:timers/promises";
import type { LoggingMessageNotification, RequestOptions } from "@modelcontextprotocol/client";
import {
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { Names } from "./names.ts";
import { CALL_MS, type Upstream } from "./upstream.ts";

/** How long a client's question waits for servers that are starting, in ms: less than clients wait. */
const WAIT_MS = 45_000;
const STATUS = "mcp_servers_status";

interface Item<Kind> {
  readonly upstream: Upstream;
  readonly item: Kind;
}

/** All servers as one: what each offers has its name before it. */
export class Gateway {
  readonly #upstreams: readonly Upstream[];
  readonly #waitMs: number;
  /** The sessions' servers, with the ids of their sessions. */
  readonly #sessions = new Map<Server, string>();

  constructor(upstreams: readonly Upstream[], waitMs: number = WAIT_MS) {
    this.#upstreams = upstreams;
    this.#waitMs = waitMs;
  }

  /** Tells all clients that what there is has changed. */
  changed(): void {
    for (const server of this.#sessions.keys())
      for (const tell of [
        "sendToolListChanged",
        "sendPromptListChanged",
        "sendResourceListChanged",
      ] as const)
        server[tell]().catch(() => {}); // A client that has gone hears of nothing.
  }

  /** Passes on what a server logs. */
  message(name: string, message: LoggingMessageNotification["params"]): void {
    const logger = message.logger === undefined ? name : `${name}/${message.logger}`;
    for (const [server, sessionId] of this.#sessions)
      server.sendLoggingMessage({ ...message, logger }, sessionId).catch(() => {});
  }

  /** The server of one client; it belongs to the session until it is closed. */
  open(sessionId: string): Server {
    const server = new Server(
      { name: "mcp-gateway", version: "1.0.0" },
      {
        capabilities: {
          tools: { listChanged: true },
          prompts: { listChanged: true },
          resources: { listChanged: true },
          logging: {},
        },
        instructions: this.#describe(),
      },
    );
    this.#sessions.set(server, sessionId);
    server.setRequestHandler("tools/list", async () => {
      await this.#settle();
      const tools = listed(this.#tools());
      return { tools: this.#missing.length === 0 ? tools : [...tools, this.#statusTool()] };
    });
    server.setRequestHandler("tools/call", async ({ params }, context) => {
      if (params.name === STATUS) return { content: [{ type: "text", text: this.#describe() }] };
      const { upstream, item } = await this.#find(
        () => this.#tools().get(params.name),
        params.name,
      );
      await upstream.settled;
      return upstream.client.request(
        { method: "tools/call", params: { name: item.name, arguments: params.arguments } },
        passOn(context),
      );
    });
    server.setRequestHandler("prompts/list", async () => {
      await this.#settle();
      return { prompts: listed(this.#prompts()) };
    });
    server.setRequestHandler("prompts/get", async ({ params }, context) => {
      const { upstream, item } = await this.#find(
        () => this.#prompts().get(params.name),
        params.name,
      );
      return upstream.client.request(
        { method: "prompts/get", params: { name: item.name, arguments: params.arguments } },
        passOn(context),
      );
    });
    server.setRequestHandler("resources/list", async () => {
      await this.#settle();
      return { resources: [...this.#resources().values()].map(({ item }) => item) };
    });
    server.setRequestHandler("resources/templates/list", async () => {
      await this.#settle();
      return { resourceTemplates: this.#upstreams.flatMap(({ offer }) => offer.templates) };
    });
    server.setRequestHandler("resources/read", async ({ params: { uri } }, context) => {
      await this.#settle();
      return this.#read(uri, context);
    });
    return server;
  }

  close(server: Server): void {
    this.#sessions.delete(server);
  }

  /** Asks who lists it; a resource that nobody lists may belong to a template of any server. */
  async #read(uri: string, context: ServerContext) {
    const listed = this.#resources().get(uri);
    const others = this.#upstreams.filter(({ offer }) => offer.templates.length > 0);
    let failure: unknown;
    for (const upstream of listed ? [listed.upstream] : others) {
      try {
        return await upstream.client.request(
          { method: "resources/read", params: { uri } },
          passOn(context),
        );
      } catch (error) {
        context.mcpReq.signal.throwIfAborted();
        failure ??= error;
      }
    }
    throw (
      failure ?? new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no resource ${uri}`)
    );
  }

  async #find<Kind>(look: () => Item<Kind> | undefined, name: string): Promise<Item<Kind>> {
    // What is not there yet may come.
    if (look() === undefined) await this.#settle();
    const found = look();
    if (found) return found;
    const missing = this.#missing.length === 0 ? "" : ` ${this.#describe()}`;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no ${name}.${missing}`);
  }

  /** Waits until every server has started or failed, but not for ever. */
  async #settle(): Promise<void> {
    if (this.#upstreams.every(({ state }) => state.is !== "starting")) return;
    const enough = new AbortController();
    await Promise.race([
      Promise.all(this.#upstreams.map(({ settled }) => settled)),
      pause(this.#waitMs, undefined, { signal: enough.signal }).catch(() => {}),
    ]);
    enough.abort();
  }

  #tools() {
    return this.#named(({ offer }) => offer.tools);
  }

  #prompts() {
    return this.#named(({ offer }) => offer.prompts);
  }

  #named<Kind extends { readonly name: string }>(
    of: (upstream: Upstream) => readonly Kind[],
  ): Names<Item<Kind>> {
    const names = new Names<Item<Kind>>();
    for (const upstream of this.#upstreams)
      for (const item of of(upstream)) names.add(upstream.name, item.name, { upstream, item });
    return names;
  }

  /** By their URIs, which stay as they are, since results refer to them; the first server's wins. */
  #resources() {
    const all = this.#upstreams
      .toReversed()
      .flatMap((upstream) =>
        upstream.offer.resources.map((item) => [item.uri, { upstream, item }] as const),
      );
    return new Map(all);
  }

  get #missing(): readonly Upstream[] {
    return this.#upstreams.filter(({ state }) => state.is !== "ready");
  }

  #describe(): string {
    const lines = this.#upstreams.map(({ name, state }) =>
      state.is === "failed" ? `${name}: failed, ${state.reason}` : `${name}: ${state.is}`,
    );
    return `MCP servers of this sandbox, whose names begin those of their tools:\n${lines.join("\n")}`;
  }

  /** There while servers are missing, so that a model and its user learn of it. */
  #statusTool() {
    const names = this.#missing.map(({ name }) => name).join(", ");
    return {
      name: STATUS,
      description: `Says why these MCP servers have no tools here: ${names}.`,
      inputSchema: { type: "object" as const, properties: {} },
      annotations: { readOnlyHint: true },
    };
  }
}

/** With the names that clients call them by. */
function listed<Kind extends object>(names: Names<Item<Kind>>): (Kind & { name: string })[] {
  return Array.from(names, ([name, { item }]) => Object.assign({}, item, { name }));
}

/** A request's progress and its end by the client are passed on. */
function passOn({ mcpReq }: ServerContext): RequestOptions {
  const progressToken = mcpReq._meta?.progressToken;
  return {
    signal: mcpReq.signal,
    timeout: CALL_MS,
    ...(progressToken !== undefined && {
      onprogress: (progress) => {
        mcpReq
          .notify({ method: "notifications/progress", params: { ...progress, progressToken } })
          .catch(() => {});
      },
    }),
  };
}
