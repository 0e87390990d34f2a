import { EmberboxError } from "@emberbox/core";
import type { NetworkCeiling } from "@emberbox/core/network";
import type { SandboxProvider } from "@emberbox/core/provider";
import type { Logger } from "pino";
import { ApiError } from "../api-error.ts";
import type { Store } from "../store.ts";
import { Deliveries, hostOf } from "./deliveries.ts";
import type { Webhook } from "./webhook-rows.ts";

const MOST_OF_A_TENANT = 20;

export interface WebhooksOptions {
  readonly provider: SandboxProvider;
  /** What they may reach. */
  readonly ceiling: NetworkCeiling;
  readonly store: Store;
  readonly log: Logger;
}

type Asked = Pick<Webhook, "name" | "url" | "enabled" | "events" | "secret">;

type Changes = { readonly [Name in keyof Asked]?: Asked[Name] | undefined };

/** Whom tenants want to be told of events. */
export class Webhooks {
  /** False where the operator has none, or nobody can say what they may reach. */
  readonly areAllowed: boolean;
  readonly #options: WebhooksOptions;
  readonly #deliveries: Deliveries;

  constructor(options: WebhooksOptions) {
    const { provider, ceiling, store, log } = options;
    this.#options = options;
    this.areAllowed = provider.addressesOf !== undefined && ceiling !== false;
    this.#deliveries = new Deliveries(store.webhooks, (host) => this.#addressesOf(host), log);
  }

  /** Tells them soon what there is, also what an earlier server left. */
  wake(): void {
    this.#deliveries.wake();
  }

  close(): Promise<void> {
    return this.#deliveries.close();
  }

  /** @throws 400 for a URL that may not be reached, 429 when the tenant has enough of them */
  async create(tenant: string, asked: Asked): Promise<Webhook> {
    const url = await this.#demandUrl(asked.url);
    const { webhooks } = this.#options.store;
    if (webhooks.list(tenant).length >= MOST_OF_A_TENANT)
      throw new ApiError(429, `There are ${MOST_OF_A_TENANT} webhooks, and may not be more`);
    const webhook = { ...asked, url, tenant, id: crypto.randomUUID(), createdAt: new Date() };
    webhooks.put(webhook);
    return webhook;
  }

  /** @throws 400 */
  async change(webhook: Webhook, changes: Changes): Promise<Webhook> {
    const url = changes.url === undefined ? webhook.url : await this.#demandUrl(changes.url);
    const { webhooks } = this.#options.store;
    const { name, enabled, events, secret } = changes;
    const changed: Webhook = {
      ...webhook,
      url,
      name: name ?? webhook.name,
      enabled: enabled ?? webhook.enabled,
      events: events ?? webhook.events,
      secret: secret ?? webhook.secret,
    };
    // Meanwhile it may have been deleted.
    if (webhooks.get(webhook.id) === undefined) throw new ApiError(404, "There is no such webhook");
    webhooks.put(changed);
    return changed;
  }

  remove(id: string): void {
    const { store } = this.#options;
    store.transaction(() => store.webhooks.remove(id));
  }

  async #demandUrl(text: string): Promise<string> {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol))
      throw new ApiError(400, "Invalid request: url: must be an http or https URL");
    if (url.username !== "" || url.password !== "")
      throw new ApiError(400, "Invalid request: url: must not have a user or a password");
    url.hash = "";
    try {
      await this.#addressesOf(hostOf(url.href));
    } catch (error) {
      if (EmberboxError.isInstance(error) && error.code === "invalid_argument")
        throw new ApiError(400, `Invalid request: url: ${error.message}`);
      // It cannot be looked up now, and is looked up again for each delivery.
    }
    return url.href;
  }

  async #addressesOf(host: string): Promise<readonly string[]> {
    const { provider, ceiling } = this.#options;
    if (provider.addressesOf === undefined || ceiling === false)
      throw new EmberboxError("unsupported", "Webhooks are not told anything on this server");
    return provider.addressesOf(host, ceiling);
  }
}
