import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A file that goes into the machine's `/run/emberbox`. */
export interface AgentFile {
  /** Path below `/run/emberbox`. */
  readonly target: string;
  readonly source: string;
  readonly executable: boolean;
}

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The agent's files: its bundle, the Python kernel, and the machine's init script. */
export async function agentFiles(): Promise<AgentFile[]> {
  const files: AgentFile[] = [{ target: "init", source: join(root, "init"), executable: true }];
  for (const directory of ["kernel", "dist"]) {
    for (const name of (await readdir(join(root, directory), { recursive: true })).toSorted()) {
      if (!/\.(py|mjs|node)$/.test(name)) continue;
      const target = directory === "dist" ? name : join(directory, name);
      files.push({ target, source: join(root, directory, name), executable: false });
    }
  }
  return files;
}
