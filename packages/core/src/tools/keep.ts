import { randomBytes } from "node:crypto";
import { formatBytes } from "./mime.ts";
import type { ToolRun } from "./definition.ts";
import type { ToolFile } from "./types.ts";

const DIRECTORY = "/tmp/tool-output";

/** Saves what does not fit into a result to a file in the sandbox; `undefined` when that fails. */
export async function keep(
  run: ToolRun,
  name: string,
  mimeType: string,
  data: string | Uint8Array,
): Promise<ToolFile | undefined> {
  const path = `${DIRECTORY}/${randomBytes(4).toString("hex")}-${name}`;
  try {
    await run.sandbox.files.write(path, data, { signal: run.signal });
    const sizeBytes = typeof data === "string" ? Buffer.byteLength(data) : data.length;
    return { path, mimeType, sizeBytes, change: "output" };
  } catch {
    run.signal?.throwIfAborted();
    return undefined;
  }
}

export function keptIn(file: ToolFile | undefined): string {
  return file === undefined
    ? "it could not be saved to a file"
    : `all of it (${formatBytes(file.sizeBytes)}) is in ${file.path}`;
}
