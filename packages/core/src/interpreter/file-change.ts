/** A file that code made or changed. */
export interface FileChange {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** By the name's ending, such as `text/csv`. */
  readonly mimeType: string;
  readonly change: "created" | "modified";
}

/** Files kept of one report; what is beyond says so as `truncated.files`. */
const MAX_FILES = 1000;

export interface FileReport {
  readonly files: readonly FileChange[];
  readonly truncated: boolean;
}

/** The sandbox's report; entries that are not what they should be are left out. */
export function fileReport(files: unknown, truncated: unknown): FileReport {
  const sent = Array.isArray(files) ? files : [];
  return {
    files: sent.slice(0, MAX_FILES).flatMap(changeFrom),
    truncated: truncated === true || sent.length > MAX_FILES,
  };
}

function changeFrom(sent: unknown): FileChange[] {
  if (typeof sent !== "object" || sent === null) return [];
  const { path, size, mime_type: mimeType, change } = sent as Record<string, unknown>;
  if (typeof path !== "string" || typeof size !== "number" || typeof mimeType !== "string")
    return [];
  if (change !== "created" && change !== "modified") return [];
  return [{ path, size, mimeType, change }];
}
