import type { DatabaseSync } from "node:sqlite";
import { EVENT_TABLES } from "./events/tables.ts";
import { OUTPUT_TABLE } from "./observed/output-rows.ts";
import { DEFAULT_TENANT } from "./tenants.ts";

const TABLES = `
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS sandboxes (
    sandboxId TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    template TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'paused', 'gone')),
    reason TEXT,
    network TEXT,
    changedAt INTEGER NOT NULL DEFAULT (unixepoch()),
    tenant TEXT NOT NULL DEFAULT '${DEFAULT_TENANT}'
  ) STRICT;
  CREATE INDEX IF NOT EXISTS sandboxes_of_server ON sandboxes (server);
  CREATE TABLE IF NOT EXISTS snapshots (
    snapshotId TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    memoryMB INTEGER
  ) STRICT;
  CREATE TABLE IF NOT EXISTS volumes (
    volumeId TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (tenant, name)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS snapshotNames (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    snapshotId TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
  ) STRICT, WITHOUT ROWID;
  ${EVENT_TABLES}
  ${OUTPUT_TABLE}
  CREATE TABLE IF NOT EXISTS templateBuilds (
    buildId TEXT PRIMARY KEY,
    template TEXT NOT NULL,
    server TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    built TEXT,
    createdAt INTEGER NOT NULL,
    finishedAt INTEGER,
    memoryMB INTEGER,
    cpuCount INTEGER,
    sizeBytes INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS builds_of_template ON templateBuilds (template);
  CREATE TABLE IF NOT EXISTS secrets (
    secretId TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    metadata TEXT NOT NULL,
    createdAt INTEGER NOT NULL,
    updatedAt INTEGER NOT NULL,
    UNIQUE (tenant, name)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS sandboxRules (
    sandboxId TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
  ) STRICT;
  CREATE TRIGGER IF NOT EXISTS rules_of_gone AFTER UPDATE OF state ON sandboxes
    WHEN new.state = 'gone' BEGIN
      DELETE FROM sandboxRules WHERE sandboxId = new.sandboxId;
    END;
  CREATE TRIGGER IF NOT EXISTS rules_of_removed AFTER DELETE ON sandboxes BEGIN
      DELETE FROM sandboxRules WHERE sandboxId = old.sandboxId;
    END;
  CREATE TABLE IF NOT EXISTS privateTemplates (template TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
`;

/** Makes the tables, or upgrades those of an older version; several servers may do so at the same time. */
export function prepareTables(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    database.exec(TABLES);
    const columns = database.prepare("PRAGMA table_info(sandboxes)").all();
    if (!columns.some(({ name }) => name === "tenant"))
      database.exec(
        `ALTER TABLE sandboxes ADD COLUMN tenant TEXT NOT NULL DEFAULT '${DEFAULT_TENANT}'`,
      );
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
