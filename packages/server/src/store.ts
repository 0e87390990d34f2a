import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { EmberboxError } from "@emberbox/core";
import { type BuildRows, openBuildRows } from "./builds/rows.ts";
import { type EventRows, openEventRows } from "./events/event-rows.ts";
import { openWebhookRows, type WebhookRows } from "./events/webhook-rows.ts";
import { openOutputRows, type OutputRows } from "./observed/output-rows.ts";
import { newApiKey } from "./options.ts";
import { prepareTables } from "./schema.ts";
import { openSecretRows, type SecretRows } from "./secrets/rows.ts";
import { openVolumeRows, type VolumeRows } from "./volume-rows.ts";
import { openSnapshotRows, type SnapshotRows } from "./snapshot-rows.ts";

// An import would keep a Node that does not have it from saying that it is too old.
const sqlite = process.getBuiltinModule("node:sqlite");

/** What is remembered about a sandbox; its provider knows the rest. */
export interface Row {
  readonly sandboxId: string;
  /** The server that has it. */
  readonly server: string;
  /** The tenant that it belongs to. */
  readonly tenant: string;
  readonly template: string;
  readonly state: "running" | "paused" | "gone";
  /** Why it is gone. */
  readonly reason: string | null;
  /** The network part of the request that made it, as JSON. */
  readonly network: string | null;
}

/**
 * The server's memory, in SQLite. Servers with the same directory share it: each row belongs to one of them, and the
 * rows of a server that no longer runs go to the next one that starts.
 */
export interface Store {
  readonly server: string;
  /** The secret that sandboxes' tokens are derived from. */
  readonly seed: string;
  /** The key that is used when none are configured. */
  readonly apiKey: string;
  readonly snapshots: SnapshotRows;
  readonly builds: BuildRows;
  readonly secrets: SecretRows;
  readonly events: EventRows;
  readonly webhooks: WebhookRows;
  readonly output: OutputRows;
  /** Does all of it or nothing; one may be within another. */
  transaction(work: () => void): void;
  readonly volumes: VolumeRows;
  /** A row of any server. */
  get(sandboxId: string): Row | undefined;
  put(row: Omit<Row, "server">): void;
  /** A row that is `gone` stays so, with the first reason. False when nothing changed. */
  setState(sandboxId: string, state: Row["state"], reason?: string): boolean;
  setNetwork(sandboxId: string, network: string | null): void;
  remove(sandboxId: string): void;
  /** This server's rows. */
  all(): Row[];
  /** Forgets those that have been gone for a day. */
  prune(): void;
  close(): void;
}

/** Whoever can write there could give the server a seed and a key of their choosing. */
function requirePrivate(directory: string): void {
  const { uid, mode } = statSync(directory);
  const isOurs = uid === process.getuid?.();
  if (isOurs && (mode & 0o022) === 0) return;
  throw new EmberboxError(
    "invalid_argument",
    `${directory} is not a safe place for the server's state: ${isOurs ? "others may write to it" : "it belongs to another user"}`,
    { hint: "Point `stateDirectory` (--state) at a directory of your own, with mode 0700." },
  );
}

const GONE_IS_KEPT_SECONDS = 24 * 60 * 60;

/** @throws `invalid_argument` if others could read or replace what is stored there */
export function openStore(directory: string): Store {
  mkdirSync(join(directory, "running"), { recursive: true, mode: 0o700 });
  requirePrivate(directory);
  const path = join(directory, "state.db");
  // SQLite gives its other files the permissions of this one, which holds secrets.
  closeSync(openSync(path, "a", 0o600));
  const database = new sqlite.DatabaseSync(path, { timeout: 10_000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  prepareTables(database);
  const server = randomBytes(8).toString("hex");
  const lock = holdLock(join(directory, "running", server));
  const prepare = (sql: string) => database.prepare(sql);
  const remember = prepare("INSERT INTO facts VALUES (?, ?) ON CONFLICT DO NOTHING");
  const recall = prepare("SELECT value FROM facts WHERE name = ?");
  const fact = (name: string, value: string): string => {
    remember.run(name, value);
    return recall.get(name)!["value"] as string;
  };
  const get = prepare("SELECT * FROM sandboxes WHERE sandboxId = ?");
  const put = prepare(
    `INSERT OR REPLACE INTO sandboxes (sandboxId, server, tenant, template, state, reason, network)
     VALUES (:sandboxId, :server, :tenant, :template, :state, :reason, :network)`,
  );
  const setState = prepare(
    `UPDATE sandboxes SET state = ?, reason = ?, changedAt = unixepoch()
     WHERE sandboxId = ? AND state NOT IN ('gone', ?)`,
  );
  const setNetwork = prepare("UPDATE sandboxes SET network = ? WHERE sandboxId = ?");
  const remove = prepare("DELETE FROM sandboxes WHERE sandboxId = ?");
  const all = prepare("SELECT * FROM sandboxes WHERE server = ?");

  const forgotten = prepare(
    "SELECT sandboxId FROM sandboxes WHERE state = 'gone' AND changedAt < unixepoch() - ?",
  );
  const events = openEventRows(database);
  const output = openOutputRows(database);
  const transaction = (work: () => void): void => {
    if (database.isTransaction) return work();
    database.exec("BEGIN IMMEDIATE");
    try {
      work();
      database.exec("COMMIT");
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  };
  const forget = (sandboxId: string): void =>
    transaction(() => {
      output.remove(sandboxId);
      events.removeLife(sandboxId);
      remove.run(sandboxId);
    });

  takeOver(database, directory, server);
  return {
    server,
    seed: fact("seed", randomBytes(32).toString("hex")),
    apiKey: fact("apiKey", newApiKey()),
    snapshots: openSnapshotRows(database),
    builds: openBuildRows(database, server),
    secrets: openSecretRows(database),
    events,
    webhooks: openWebhookRows(database, server),
    output,
    transaction,
    volumes: openVolumeRows(database),
    get: (sandboxId) => get.get(sandboxId) as Row | undefined,
    put: (row) => void put.run({ ...row, server }),
    setState: (sandboxId, state, reason) =>
      setState.run(state, reason ?? null, sandboxId, state).changes > 0,
    setNetwork: (sandboxId, network) => void setNetwork.run(network, sandboxId),
    remove: forget,
    all: () => all.all(server) as unknown as Row[],
    prune() {
      for (const { sandboxId } of forgotten.all(GONE_IS_KEPT_SECONDS)) forget(sandboxId as string);
      events.prune();
    },
    close() {
      database.close();
      lock.close();
      rmSync(join(directory, "running", server), { force: true });
    },
  };
}

/** An exclusive transaction on a database of its own: the kernel ends it with the process. */
function holdLock(path: string): DatabaseSync {
  const lock = new sqlite.DatabaseSync(path, { timeout: 0 });
  try {
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (x)");
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
}

const UNFINISHED = "state IN ('asked', 'waiting', 'building')";

/** Takes over the rows of servers that no longer run; what they were building has failed. */
function takeOver(database: DatabaseSync, directory: string, server: string): void {
  const others = database
    .prepare(
      `SELECT server FROM sandboxes WHERE server <> ?1
       UNION SELECT server FROM deliveries WHERE server <> ?1
       UNION SELECT server FROM templateBuilds WHERE server <> ?1 AND ${UNFINISHED}`,
    )
    .all(server);
  for (const { server: other } of others as { server: string }[]) {
    const path = join(directory, "running", other);
    try {
      holdLock(path).close();
    } catch {
      continue; // It is running.
    }
    for (const table of ["sandboxes", "deliveries"])
      database.prepare(`UPDATE ${table} SET server = ? WHERE server = ?`).run(server, other);
    database
      .prepare(
        `UPDATE templateBuilds SET server = ?1, state = 'error', finishedAt = ?3,
         reason = 'it ended with the server that ran it' WHERE server = ?2 AND ${UNFINISHED}`,
      )
      .run(server, other, Date.now());
    rmSync(path, { force: true });
  }
}
