import type { DatabaseSync } from "node:sqlite";

/** A secret, as it is stored. */
export interface SecretRow {
  readonly secretId: string;
  readonly tenant: string;
  readonly name: string;
  readonly version: number;
  readonly sealed: Uint8Array;
  /** JSON */
  readonly metadata: string;
  /** Unix time in ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Tenants' secrets, and rules of sandboxes that name some. */
export interface SecretRows {
  find(tenant: string, idOrName: string): SecretRow | undefined;
  of(tenant: string): SecretRow[];
  /** False if the tenant has another one of that name. */
  add(row: SecretRow): boolean;
  update(row: SecretRow): void;
  /** False if there is none. */
  remove(secretId: string): boolean;
  /** Forgotten with the sandbox. */
  setRules(sandboxId: string, sealed: Uint8Array | undefined): void;
  rulesOf(sandboxId: string): Uint8Array | undefined;
}

export function openSecretRows(database: DatabaseSync): SecretRows {
  const prepare = (sql: string) => database.prepare(sql);
  const find = prepare(
    "SELECT * FROM secrets WHERE tenant = ?1 AND (secretId = ?2 OR name = ?2) LIMIT 1",
  );
  const of = prepare("SELECT * FROM secrets WHERE tenant = ?");
  const add = prepare(
    `INSERT INTO secrets VALUES
     (:secretId, :tenant, :name, :version, :sealed, :metadata, :createdAt, :updatedAt)
     ON CONFLICT DO NOTHING`,
  );
  const update = prepare(
    `UPDATE secrets SET version = :version, sealed = :sealed, metadata = :metadata,
     updatedAt = :updatedAt WHERE secretId = :secretId`,
  );
  const remove = prepare("DELETE FROM secrets WHERE secretId = ?");
  const setRules = prepare("INSERT OR REPLACE INTO sandboxRules VALUES (?, ?)");
  const removeRules = prepare("DELETE FROM sandboxRules WHERE sandboxId = ?");
  const rulesOf = prepare("SELECT sealed FROM sandboxRules WHERE sandboxId = ?");
  return {
    find: (tenant, idOrName) => find.get(tenant, idOrName) as SecretRow | undefined,
    of: (tenant) => of.all(tenant) as unknown as SecretRow[],
    add: (row) => Number(add.run({ ...row }).changes) === 1,
    update: ({ secretId, version, sealed, metadata, updatedAt }) =>
      void update.run({ secretId, version, sealed, metadata, updatedAt }),
    remove: (secretId) => Number(remove.run(secretId).changes) === 1,
    setRules(sandboxId, sealed) {
      if (sealed === undefined) removeRules.run(sandboxId);
      else setRules.run(sandboxId, sealed);
    },
    rulesOf: (sandboxId) => rulesOf.get(sandboxId)?.["sealed"] as Uint8Array | undefined,
  };
}
