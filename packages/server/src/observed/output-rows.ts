import type { DatabaseSync } from "node:sqlite";

/** What was told of a sandbox at a moment: by the server, or by what runs in it. */
export interface Piece {
  /** Unix time in ms. */
  readonly at: number;
  /**
   * `system`: words of the server. `process` and `code`: a message of the sandbox's agent, as it came. `left_out`: one
   * that was too long to keep. `end`: nothing more comes from this source.
   */
  readonly kind: "system" | "process" | "code" | "left_out" | "end";
  /** Pieces of one command or cell have the same. */
  readonly source: number;
  /** Of a command. */
  readonly pid: number | null;
  readonly data: Uint8Array;
}

export const MOST_PIECES = 10_000;
export const MOST_BYTES = 4 * 1024 * 1024;
/** Sandboxes of a tenant that ended and whose output is kept. */
const MOST_ENDED = 100;

export const OUTPUT_TABLE = `
  CREATE TABLE IF NOT EXISTS output (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sandboxId TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    source INTEGER NOT NULL,
    pid INTEGER,
    size INTEGER NOT NULL,
    data BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS output_of_sandbox ON output (sandboxId, number, size);
`;

export interface OutputRows {
  /** Adds pieces, and drops the sandbox's oldest beyond what is kept. */
  add(sandboxId: string, pieces: readonly Piece[]): void;
  read(sandboxId: string): Piece[];
  remove(sandboxId: string): void;
  /** Forgets what the tenant's sandboxes told that ended longest ago. */
  crop(tenant: string): void;
}

export function openOutputRows(database: DatabaseSync): OutputRows {
  const prepare = (sql: string) => database.prepare(sql);
  const add = prepare(
    "INSERT INTO output (sandboxId, at, kind, source, pid, size, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const cropOne = prepare(
    `DELETE FROM output WHERE sandboxId = :sandboxId AND number <=
     (SELECT MAX(number) FROM
       (SELECT number, SUM(size) OVER newest AS bytes, ROW_NUMBER() OVER newest AS pieces
        FROM output WHERE sandboxId = :sandboxId WINDOW newest AS (ORDER BY number DESC))
      WHERE bytes > ${MOST_BYTES} OR pieces > ${MOST_PIECES})`,
  );
  const read = prepare(
    "SELECT at, kind, source, pid, data FROM output WHERE sandboxId = ? ORDER BY number",
  );
  const remove = prepare("DELETE FROM output WHERE sandboxId = ?");
  const crop = prepare(
    `DELETE FROM output WHERE sandboxId IN
     (SELECT sandboxId FROM sandboxes WHERE tenant = ? AND state = 'gone'
      ORDER BY changedAt DESC LIMIT 10 OFFSET ${MOST_ENDED})`,
  );
  return {
    add(sandboxId, pieces) {
      for (const { at, kind, source, pid, data } of pieces)
        add.run(sandboxId, at, kind, source, pid, data.length, data);
      cropOne.run({ sandboxId });
    },
    read: (sandboxId) => read.all(sandboxId) as unknown as Piece[],
    remove: (sandboxId) => void remove.run(sandboxId),
    crop: (tenant) => void crop.run(tenant),
  };
}
