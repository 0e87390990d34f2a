/** A file that code created or changed. */
export interface FileChange {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Guessed from the file name, such as `text/csv`. */
  readonly mimeType: string;
  readonly change: "created" | "modified";
}

/** The most files kept from one report; `truncated.files` tells when there were more. */
const MAX_FILES = 1000;

export interface FileReport {
  readonly files: readonly FileChange[];
  readonly truncated: boolean;
}

/** Reads the sandbox's report; malformed entries are left out. */
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
