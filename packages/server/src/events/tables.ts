/** Tables of what happened to sandboxes, and of who is to be told. */
export const EVENT_TABLES = `
  CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    sandboxId TEXT NOT NULL,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS events_of_tenant ON events (tenant, number);
  CREATE INDEX IF NOT EXISTS events_of_sandbox ON events (sandboxId, number);
  CREATE INDEX IF NOT EXISTS events_by_time ON events (at);
  CREATE TABLE IF NOT EXISTS lives (
    sandboxId TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    template TEXT NOT NULL,
    executionId TEXT NOT NULL,
    startedAt INTEGER,
    cpuCount INTEGER NOT NULL,
    memoryMB INTEGER NOT NULL,
    metadata TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS webhooks (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    events TEXT NOT NULL,
    secret TEXT NOT NULL,
    createdAt INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS webhooks_of_tenant ON webhooks (tenant);
  CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    webhookId TEXT NOT NULL,
    server TEXT NOT NULL,
    eventId TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    createdAt INTEGER NOT NULL,
    nextAt INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS deliveries_of_webhook ON deliveries (webhookId, nextAt);
  CREATE INDEX IF NOT EXISTS deliveries_of_server ON deliveries (server, webhookId, nextAt);
`;
