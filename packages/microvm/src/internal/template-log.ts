import { readFile } from "node:fs/promises";
import { logFileOf } from "../build/log-file.ts";
import { paths } from "../host/paths.ts";

/** What the last build of a template did, if there was one. The name is checked. */
export async function templateLog(name: string): Promise<string | undefined> {
  try {
    return await readFile(logFileOf(paths().state, name), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
