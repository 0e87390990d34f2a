import type { DatabaseSync } from "node:sqlite";
import type { EventType, LifecycleEvent } from "./event.ts";

/** A sandbox that has not ended, as far as its events tell of it. */
export interface Life {
  readonly sandboxId: string;
  readonly tenant: string;
  readonly template: string;
  readonly executionId: string;
  /** Unix time in ms; `null` while it is paused. */
  readonly startedAt: number | null;
  readonly cpuCount: number;
  readonly memoryMB: number;
  /** JSON */
  readonly metadata: string;
}

export interface EventQuery {
  /** All tenants' where it is missing. */
  readonly tenant?: string | undefined;
  readonly sandboxId?: string | undefined;
  readonly types?: readonly EventType[] | undefined;
  readonly offset: number;
  readonly limit: number;
  readonly ascending: boolean;
}

export interface KeptEvent {
  readonly tenant: string;
  readonly event: LifecycleEvent;
}

/** Events, oldest first, and the lives that they are about. */
export interface EventRows {
  add(tenant: string, event: LifecycleEvent): void;
  list(query: EventQuery): KeptEvent[];
  life(sandboxId: string): Life | undefined;
  putLife(life: Life): void;
  removeLife(sandboxId: string): void;
  /** Forgets events that are too old. */
  prune(): void;
}

const MOST_OF_A_TENANT = 10_000;
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

export function openEventRows(database: DatabaseSync): EventRows {
  const prepare = (sql: string) => database.prepare(sql);
  const add = prepare(
    "INSERT INTO events (tenant, sandboxId, type, at, event) VALUES (?, ?, ?, ?, ?)",
  );
  const crop = prepare(
    `DELETE FROM events WHERE tenant = :tenant AND number <=
     (SELECT number FROM events WHERE tenant = :tenant ORDER BY number DESC LIMIT 1 OFFSET ${MOST_OF_A_TENANT})`,
  );
  const list = (order: "ASC" | "DESC") =>
    prepare(
      `SELECT tenant, event FROM events
       WHERE (:tenant IS NULL OR tenant = :tenant) AND (:sandboxId IS NULL OR sandboxId = :sandboxId)
       AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))
       ORDER BY number ${order} LIMIT :limit OFFSET :offset`,
    );
  const [forwards, backwards] = [list("ASC"), list("DESC")];
  const life = prepare("SELECT * FROM lives WHERE sandboxId = ?");
  const putLife = prepare(
    `INSERT OR REPLACE INTO lives VALUES
     (:sandboxId, :tenant, :template, :executionId, :startedAt, :cpuCount, :memoryMB, :metadata)`,
  );
  const removeLife = prepare("DELETE FROM lives WHERE sandboxId = ?");
  const prune = prepare("DELETE FROM events WHERE at < ?");
  return {
    add(tenant, event) {
      const at = Date.parse(event.timestamp);
      add.run(tenant, event.sandboxId, event.type, at, JSON.stringify(event));
      crop.run({ tenant });
    },
    list({ tenant = null, sandboxId = null, types, offset, limit, ascending }) {
      const asked = types === undefined ? null : JSON.stringify(types);
      return (ascending ? forwards : backwards)
        .all({ tenant, sandboxId, types: asked, offset, limit })
        .map((row) => ({
          tenant: row["tenant"] as string,
          event: JSON.parse(row["event"] as string) as LifecycleEvent,
        }));
    },
    life: (sandboxId) => life.get(sandboxId) as Life | undefined,
    putLife: (row) => void putLife.run({ ...row }),
    removeLife: (sandboxId) => void removeLife.run(sandboxId),
    prune: () => void prune.run(Date.now() - KEPT_MS),
  };
}
