import { background } from "@emberbox/core/background";
import type { Logger } from "pino";
import { send } from "./send.ts";
import type { Delivery, WebhookRows } from "./webhook-rows.ts";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60 * 60 * 1000;
const GIVEN_UP_AFTER_MS = 24 * 60 * 60 * 1000;
const LONGEST_TIMER_MS = 60 * 1000;

/** The addresses of a host that webhooks may reach. @throws when there are none */
export type Reach = (host: string) => Promise<readonly string[]>;

/**
 * Tells webhooks what waits for them, each at least once: it is kept until a receiver answers with a 2xx. Each webhook
 * is told one thing at a time, and none waits for another.
 */
export class Deliveries {
  readonly #rows: WebhookRows;
  readonly #reach: Reach;
  readonly #log: Logger;
  readonly #busy = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isWoken = false;

  constructor(rows: WebhookRows, reach: Reach, log: Logger) {
    this.#rows = rows;
    this.#reach = reach;
    this.#log = log;
  }

  /** Looks soon for what is due. */
  wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    setImmediate(() => this.#look());
  }

  /** What was not delivered is left for the next server. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await Promise.all(this.#busy.values());
  }

  #look(): void {
    this.#isWoken = false;
    clearTimeout(this.#timer);
    if (this.#closing.signal.aborted) return;
    let pause = LONGEST_TIMER_MS;
    try {
      pause = this.#beginDue();
    } catch (error) {
      this.#log.error({ err: error }, "webhooks could not be told anything");
    }
    this.#timer = setTimeout(() => this.#look(), pause).unref();
  }

  /** Returns in how many ms there may be something again. */
  #beginDue(): number {
    const now = Date.now();
    let next = now + LONGEST_TIMER_MS;
    for (const { webhookId, nextAt } of this.#rows.waiting()) {
      if (this.#busy.has(webhookId)) continue;
      if (nextAt <= now) this.#begin(webhookId);
      else next = Math.min(next, nextAt);
    }
    return next - now;
  }

  #begin(webhookId: string): void {
    const work = this.#deliver(webhookId).finally(() => {
      this.#busy.delete(webhookId);
      this.wake();
    });
    this.#busy.set(
      webhookId,
      work.catch(() => {}),
    );
    background(work, (error) => this.#log.error({ err: error, webhookId }, "a webhook failed"));
  }

  async #deliver(webhookId: string): Promise<void> {
    for (;;) {
      const delivery = this.#rows.due(webhookId);
      if (delivery === undefined || this.#closing.signal.aborted) return;
      const problem = await this.#try(delivery);
      if (this.#closing.signal.aborted && problem !== undefined) return;
      if (problem === undefined) this.#rows.drop(delivery.number);
      else this.#postpone(delivery, problem);
    }
  }

  /** What went wrong, if something did. */
  async #try({ webhookId, body }: Delivery): Promise<string | undefined> {
    const webhook = this.#rows.get(webhookId);
    if (webhook?.enabled !== true) return undefined;
    const { url, secret } = webhook;
    try {
      const addresses = await this.#reach(hostOf(url));
      const message = { url, webhookId, secret, body };
      const status = await send(message, addresses, this.#closing.signal);
      return status >= 200 && status < 300 ? undefined : `it answered with ${status}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #postpone({ number, webhookId, eventId, attempts, createdAt }: Delivery, problem: string): void {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** attempts, LONGEST_PAUSE_MS);
    if (Date.now() + pause < createdAt + GIVEN_UP_AFTER_MS)
      return this.#rows.postpone(number, Date.now() + pause);
    this.#rows.drop(number);
    this.#log.error(
      { webhookId, eventId, attempts: attempts + 1, problem },
      "a webhook could not be told of an event for a day",
    );
  }
}

/** A URL's host as it is looked up: without the brackets of an IPv6 address. */
export function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, "$1");
}
