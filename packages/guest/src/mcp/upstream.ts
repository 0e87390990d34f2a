import { setTimeout as pause } from "node:timers/promises";
import type { Writable } from "node:stream";
import {
  Client,
  type LoggingMessageNotification,
  ProtocolError,
  ProtocolErrorCode,
  type Prompt,
  type Resource,
  type ResourceTemplateType,
  type Tool,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type { ServerPlan } from "./config.ts";
import type { Installer } from "./install.ts";
import { asUser, environmentOf, type Place } from "./run-as.ts";

/** What a server offers. */
export interface Offer {
  readonly tools: readonly Tool[];
  readonly prompts: readonly Prompt[];
  readonly resources: readonly Resource[];
  readonly templates: readonly ResourceTemplateType[];
}

export type State =
  | { readonly is: "starting" | "ready" }
  | { readonly is: "failed"; readonly reason: string };

export interface UpstreamOptions {
  readonly place: Place;
  readonly installer: Installer;
  readonly log: Writable;
  /** How long to wait before each start after an end, in ms; there are no more than these. */
  readonly pausesMs?: readonly number[];
  readonly onChange: () => void;
  readonly onMessage: (name: string, message: LoggingMessageNotification["params"]) => void;
}

const PAUSES_MS = [1000, 4000, 15_000, 60_000];
/** One that ran for this long begins anew with the first pause, in ms. */
const LONG_MS = 600_000;
/** How long a server may take to answer when it starts, in ms. */
const START_MS = 300_000;
/** A call may take as long as its client waits, in ms. */
export const CALL_MS: number = 2 ** 31 - 1;
/** Most entries of a list. */
const MAX_LISTED = 2000;
const MISSING: number = ProtocolErrorCode.MethodNotFound;
const NOTHING: Offer = { tools: [], prompts: [], resources: [], templates: [] };
const KEPT = 2000;

/** One MCP server, which is started again when it ends. */
export class Upstream implements AsyncDisposable {
  readonly name: string;
  readonly #plan: ServerPlan;
  readonly #options: UpstreamOptions;
  readonly #closing = new AbortController();
  #state: State = { is: "starting" };
  #offer = NOTHING;
  #client: Client | undefined;
  /** The end of what it printed besides messages, and why it ended. */
  #printed = "";
  #ending = "";
  #waiting: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #ended: Promise<void>;

  constructor(plan: ServerPlan, options: UpstreamOptions) {
    this.name = plan.name;
    this.#plan = plan;
    this.#options = options;
    this.#ended = this.#keepAlive();
  }

  get state(): State {
    return this.#state;
  }

  /** What it offered last. */
  get offer(): Offer {
    return this.#offer;
  }

  /** Resolves when it is neither starting nor being started again. */
  get settled(): Promise<void> {
    return this.#state.is === "starting" ? this.#waiting.promise : Promise.resolve();
  }

  /** The way to it. Throws if there is none. */
  get client(): Client {
    if (this.#state.is === "ready" && this.#client) return this.#client;
    const why = this.#state.is === "failed" ? this.#state.reason : "it is still starting";
    throw new Error(`The MCP server \`${this.name}\` is not available: ${why}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#client?.close();
    await this.#ended;
  }

  async #keepAlive(): Promise<void> {
    const { pausesMs = PAUSES_MS } = this.#options;
    for (let restarts = 0; ; restarts++) {
      const startedAt = Date.now();
      let wasReady = false;
      try {
        await this.#live(() => (wasReady = true));
      } catch (error) {
        this.#ending = (error as Error).message;
      }
      this.#say(`ended: ${this.#ending}`);
      this.#client = undefined;
      if (this.#closing.signal.aborted) return;
      if (Date.now() - startedAt > LONG_MS) restarts = 0;
      // One that has never worked will not by itself.
      const delay = wasReady || restarts > 0 ? pausesMs[restarts] : undefined;
      if (delay === undefined) {
        const how = restarts > 0 ? `it ended ${restarts + 1} times` : "it did not start";
        this.#change({ is: "failed", reason: `${how}: ${this.#lastWords()}` });
        return;
      }
      this.#change({ is: "starting" });
      await pause(delay, undefined, { signal: this.#closing.signal }).catch(() => {});
      if (this.#closing.signal.aborted) return;
    }
  }

  /** From its start to its end. Rejects if it does not start. */
  async #live(onReady: () => void): Promise<void> {
    const { place, installer, log, onMessage } = this.#options;
    this.#printed = "";
    this.#ending = "it ended by itself";
    const installed = await installer.install(this.#plan.source);
    if (this.#closing.signal.aborted) return;
    const args = [...installed.args, ...this.#plan.args];
    const command = asUser(place, { ...installed, args });
    const transport = new StdioClientTransport({
      command: command.command,
      args: [...command.args],
      cwd: command.cwd ?? place.home,
      env: { ...environmentOf(place), ...this.#plan.envs },
      stderr: "pipe",
    });
    transport.stderr?.on("data", (chunk: Buffer) => {
      log.write(chunk);
      this.#printed = (this.#printed + String(chunk)).slice(-KEPT);
    });
    const client = new Client({ name: "emberbox", version: "1.0.0" });
    const ended = Promise.withResolvers<void>();
    client.onclose = () => ended.resolve();
    client.onerror = (error) => this.#say(error.message);
    const renew = (): void =>
      void this.#renew(client).catch((error: Error) => this.#say(error.message));
    client.setNotificationHandler("notifications/tools/list_changed", renew);
    client.setNotificationHandler("notifications/prompts/list_changed", renew);
    client.setNotificationHandler("notifications/resources/list_changed", renew);
    client.setNotificationHandler("notifications/message", ({ params }) =>
      onMessage(this.name, params),
    );
    this.#client = client;
    try {
      await client.connect(transport, { timeout: START_MS, signal: this.#closing.signal });
      this.#offer = await readOffer(client);
      onReady();
      this.#change({ is: "ready" });
      await ended.promise;
    } finally {
      await client.close();
    }
  }

  async #renew(client: Client): Promise<void> {
    this.#offer = await readOffer(client);
    this.#options.onChange();
  }

  #change(state: State): void {
    if (this.#state.is !== "starting" && state.is === "starting")
      this.#waiting = Promise.withResolvers();
    this.#state = state;
    this.#say(state.is);
    if (state.is !== "starting") this.#waiting.resolve();
    this.#options.onChange();
  }

  #lastWords(): string {
    return `${this.#ending} ${this.#printed.trim()}`.trim();
  }

  #say(what: string): void {
    this.#options.log.write(`${new Date().toISOString()} ${this.name}: ${what}\n`);
  }
}

async function readOffer(client: Client): Promise<Offer> {
  const { tools, prompts, resources } = client.getServerCapabilities() ?? {};
  return {
    tools: tools
      ? await pages((cursor) => client.request({ method: "tools/list", params: cursor }), "tools")
      : [],
    prompts: prompts
      ? await pages(
          (cursor) => client.request({ method: "prompts/list", params: cursor }),
          "prompts",
        )
      : [],
    resources: resources
      ? await pages(
          (cursor) => client.request({ method: "resources/list", params: cursor }),
          "resources",
        )
      : [],
    templates: resources
      ? await pages(
          (cursor) => client.request({ method: "resources/templates/list", params: cursor }),
          "resourceTemplates",
        )
      : [],
  };
}

/** All pages of a list, or as many as a list may have; none of one that a server claims and does not have. */
async function pages<Key extends string, Item>(
  ask: (params: {
    cursor?: string;
  }) => Promise<{ [K in Key]: Item[] } & { nextCursor?: string | undefined }>,
  key: Key,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(cursor === undefined ? {} : { cursor }).catch((error: unknown) => {
      if (error instanceof ProtocolError && error.code === MISSING) return undefined;
      throw error;
    });
    if (page === undefined) break;
    items.push(...page[key]);
    cursor = page[key].length === 0 ? undefined : page.nextCursor;
  } while (cursor !== undefined && items.length < MAX_LISTED);
  return items.slice(0, MAX_LISTED);
}
