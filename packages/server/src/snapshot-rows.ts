import type { DatabaseSync } from "node:sqlite";

/** The owner of a snapshot. */
export interface SnapshotRow {
  readonly snapshotId: string;
  readonly tenant: string;
  /** Memory of a sandbox that is made from it. */
  readonly memoryMB: number | null;
}

/** Snapshots' owners, and the names given by tenants other than the default one. */
export interface SnapshotRows {
  get(snapshotId: string): SnapshotRow | undefined;
  put(row: SnapshotRow): void;
  /** Removes it with its names. */
  remove(snapshotId: string): void;
  /** If another snapshot of the tenant had the name, it loses it. */
  setName(tenant: string, name: string, snapshotId: string): void;
  named(tenant: string, name: string): string | undefined;
  namesOf(tenant: string, snapshotId: string): string[];
}

export function openSnapshotRows(database: DatabaseSync): SnapshotRows {
  const prepare = (sql: string) => database.prepare(sql);
  const get = prepare("SELECT * FROM snapshots WHERE snapshotId = ?");
  const put = prepare("INSERT OR REPLACE INTO snapshots VALUES (:snapshotId, :tenant, :memoryMB)");
  const remove = prepare("DELETE FROM snapshots WHERE snapshotId = ?");
  const removeNames = prepare("DELETE FROM snapshotNames WHERE snapshotId = ?");
  const setName = prepare("INSERT OR REPLACE INTO snapshotNames VALUES (?, ?, ?)");
  const named = prepare("SELECT snapshotId FROM snapshotNames WHERE tenant = ? AND name = ?");
  const namesOf = prepare("SELECT name FROM snapshotNames WHERE tenant = ? AND snapshotId = ?");
  return {
    get: (snapshotId) => get.get(snapshotId) as SnapshotRow | undefined,
    put: (row) => void put.run({ ...row }),
    remove(snapshotId) {
      removeNames.run(snapshotId);
      remove.run(snapshotId);
    },
    setName: (tenant, name, snapshotId) => void setName.run(tenant, name, snapshotId),
    named: (tenant, name) => named.get(tenant, name)?.["snapshotId"] as string | undefined,
    namesOf: (tenant, snapshotId) =>
      namesOf.all(tenant, snapshotId).map(({ name }) => name as string),
  };
}
