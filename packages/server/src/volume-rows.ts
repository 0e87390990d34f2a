import type { DatabaseSync } from "node:sqlite";

/** A volume's owner, and the owner's name for it. */
export interface VolumeRow {
  readonly volumeId: string;
  readonly tenant: string;
  readonly name: string;
}

export interface VolumeRows {
  get(volumeId: string): VolumeRow | undefined;
  named(tenant: string, name: string): VolumeRow | undefined;
  all(): VolumeRow[];
  /** False when the tenant has a volume of that name. */
  add(row: VolumeRow): boolean;
  remove(volumeId: string): void;
}

export function openVolumeRows(database: DatabaseSync): VolumeRows {
  const prepare = (sql: string) => database.prepare(sql);
  const get = prepare("SELECT * FROM volumes WHERE volumeId = ?");
  const named = prepare("SELECT * FROM volumes WHERE tenant = ? AND name = ?");
  const all = prepare("SELECT * FROM volumes ORDER BY name");
  const add = prepare(
    "INSERT INTO volumes VALUES (:volumeId, :tenant, :name) ON CONFLICT DO NOTHING",
  );
  const remove = prepare("DELETE FROM volumes WHERE volumeId = ?");
  return {
    get: (volumeId) => get.get(volumeId) as VolumeRow | undefined,
    named: (tenant, name) => named.get(tenant, name) as VolumeRow | undefined,
    all: () => all.all() as unknown as VolumeRow[],
    add: (row) => add.run({ ...row }).changes > 0,
    remove: (volumeId) => void remove.run(volumeId),
  };
}
