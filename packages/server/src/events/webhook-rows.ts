import type { DatabaseSync } from "node:sqlite";
import type { EventType } from "./event.ts";

/** Whom to tell of a tenant's events. */
export interface Webhook {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly url: string;
  readonly enabled: boolean;
  readonly events: readonly EventType[];
  readonly secret: string;
  readonly createdAt: Date;
}

/** An event that a webhook has not been told of. */
export interface Delivery {
  readonly number: number;
  readonly webhookId: string;
  readonly eventId: string;
  readonly body: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** Unix time in ms. */
  readonly createdAt: number;
}

export interface WebhookRows {
  get(id: string): Webhook | undefined;
  /** Of a tenant, or of all. */
  list(tenant: string | undefined): Webhook[];
  put(webhook: Webhook): void;
  /** Removes it with what it has not been told of. */
  remove(id: string): void;
  /** Returns how many of the webhook's oldest were dropped for it. */
  enqueue(webhookId: string, eventId: string, body: string): number;
  /** Webhooks that this server has something for, and when the next of it is due, in Unix time in ms. */
  waiting(): { webhookId: string; nextAt: number }[];
  /** What is due first, if it is due now. */
  due(webhookId: string): Delivery | undefined;
  postpone(number: number, nextAt: number): void;
  drop(number: number): void;
}

const MOST_OF_A_WEBHOOK = 1000;

export function openWebhookRows(database: DatabaseSync, server: string): WebhookRows {
  const prepare = (sql: string) => database.prepare(sql);
  const get = prepare("SELECT * FROM webhooks WHERE id = ?");
  const list = prepare(
    "SELECT * FROM webhooks WHERE :tenant IS NULL OR tenant = :tenant ORDER BY createdAt, id",
  );
  const put = prepare(
    `INSERT OR REPLACE INTO webhooks VALUES
     (:id, :tenant, :name, :url, :enabled, :events, :secret, :createdAt)`,
  );
  const remove = prepare("DELETE FROM webhooks WHERE id = ?");
  const removeDeliveries = prepare("DELETE FROM deliveries WHERE webhookId = ?");
  const enqueue = prepare(
    `INSERT INTO deliveries (webhookId, server, eventId, body, createdAt, nextAt)
     VALUES (:webhookId, :server, :eventId, :body, :now, :now)`,
  );
  const crop = prepare(
    `DELETE FROM deliveries WHERE webhookId = :webhookId AND number <=
     (SELECT number FROM deliveries WHERE webhookId = :webhookId
      ORDER BY number DESC LIMIT 1 OFFSET ${MOST_OF_A_WEBHOOK})`,
  );
  const waiting = prepare(
    "SELECT webhookId, MIN(nextAt) AS nextAt FROM deliveries WHERE server = ? GROUP BY webhookId",
  );
  const due = prepare(
    `SELECT * FROM deliveries WHERE webhookId = ? AND server = ? AND nextAt <= ?
     ORDER BY nextAt, number LIMIT 1`,
  );
  const postpone = prepare(
    "UPDATE deliveries SET attempts = attempts + 1, nextAt = ? WHERE number = ?",
  );
  const drop = prepare("DELETE FROM deliveries WHERE number = ?");
  return {
    get(id) {
      const row = get.get(id);
      return row === undefined ? undefined : webhookOf(row);
    },
    list: (tenant) => list.all({ tenant: tenant ?? null }).map(webhookOf),
    put: ({ enabled, events, createdAt, ...rest }) =>
      void put.run({
        ...rest,
        enabled: enabled ? 1 : 0,
        events: JSON.stringify(events),
        createdAt: createdAt.getTime(),
      }),
    remove(id) {
      removeDeliveries.run(id);
      remove.run(id);
    },
    enqueue(webhookId, eventId, body) {
      enqueue.run({ webhookId, server, eventId, body, now: Date.now() });
      return Number(crop.run({ webhookId }).changes);
    },
    waiting: () => waiting.all(server) as unknown as { webhookId: string; nextAt: number }[],
    due: (webhookId) => due.get(webhookId, server, Date.now()) as Delivery | undefined,
    postpone: (number, nextAt) => void postpone.run(nextAt, number),
    drop: (number) => void drop.run(number),
  };
}

type Row = Readonly<Record<string, unknown>>;

function webhookOf(row: Row): Webhook {
  const { enabled, events, createdAt, ...rest } = row;
  return {
    ...(rest as Pick<Webhook, "id" | "tenant" | "name" | "url" | "secret">),
    enabled: enabled === 1,
    events: JSON.parse(events as string) as EventType[],
    createdAt: new Date(createdAt as number),
  };
}
