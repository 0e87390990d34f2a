import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";

/** What is remembered of a build, also by later servers. */
export interface BuildRow {
  readonly buildId: string;
  readonly template: string;
  /** The server that it runs on. */
  readonly server: string;
  readonly state: "asked" | "waiting" | "building" | "ready" | "error";
  readonly reason: string | null;
  /** What the provider calls it, once it is built. */
  readonly built: string | null;
  /** Unix time in ms. */
  readonly createdAt: number;
  readonly finishedAt: number | null;
  readonly memoryMB: number | null;
  readonly cpuCount: number | null;
  readonly sizeBytes: number | null;
}

/** Templates' builds, and which templates are not for all tenants. */
export interface BuildRows {
  get(buildId: string): BuildRow | undefined;
  put(row: Omit<BuildRow, "server">): void;
  /** The newest first. */
  of(template: string): BuildRow[];
  /** The id by which clients know what the provider has built. */
  idOf(built: string): string;
  isPublic(template: string): boolean;
  setPublic(template: string, isPublic: boolean): void;
  /** All that is remembered of a template. */
  forget(template: string): void;
}

/** In all; the oldest are forgotten. */
const MOST_ROWS = 1000;

export function openBuildRows(database: DatabaseSync, server: string): BuildRows {
  const prepare = (sql: string) => database.prepare(sql);
  const get = prepare("SELECT * FROM templateBuilds WHERE buildId = ?");
  const put = prepare(
    `INSERT OR REPLACE INTO templateBuilds VALUES (:buildId, :template, :server, :state, :reason,
     :built, :createdAt, :finishedAt, :memoryMB, :cpuCount, :sizeBytes)`,
  );
  const forgetOld = prepare(
    `DELETE FROM templateBuilds WHERE buildId IN
     (SELECT buildId FROM templateBuilds ORDER BY createdAt DESC LIMIT -1 OFFSET ${MOST_ROWS})`,
  );
  const of = prepare(
    "SELECT * FROM templateBuilds WHERE template = ? ORDER BY createdAt DESC, buildId",
  );
  const idOf = prepare(
    "SELECT buildId FROM templateBuilds WHERE built = ? ORDER BY createdAt DESC LIMIT 1",
  );
  const isPrivate = prepare("SELECT 1 FROM privateTemplates WHERE template = ?");
  const hide = prepare("INSERT OR IGNORE INTO privateTemplates VALUES (?)");
  const show = prepare("DELETE FROM privateTemplates WHERE template = ?");
  const forget = prepare("DELETE FROM templateBuilds WHERE template = ?");
  return {
    get: (buildId) => get.get(buildId) as BuildRow | undefined,
    put(row) {
      put.run({ ...row, server });
      forgetOld.run();
    },
    of: (template) => of.all(template) as unknown as BuildRow[],
    idOf: (built) => (idOf.get(built)?.["buildId"] as string | undefined) ?? uuidOf(built),
    isPublic: (template) => isPrivate.get(template) === undefined,
    setPublic: (template, isPublic) => void (isPublic ? show : hide).run(template),
    forget(template) {
      forget.run(template);
      show.run(template);
    },
  };
}

/** For what no client of a server has built: clients expect a UUID. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
