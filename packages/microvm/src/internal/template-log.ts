import { readFile } from "node:fs/promises";
import { logFileOf } from "../build/log-file.ts";
import { paths } from "../host/paths.ts";
import { readyTemplate } from "../ready/index.ts";

/** What the last build of a template did, if there was one. The name is checked. */
export async function templateLog(name: string): Promise<string | undefined> {
  const ready = await readyTemplate(name);
  try {
    return await readFile(logFileOf(paths().state, ready?.builtAs ?? name), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
