import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Copies a file without its holes. */
export async function copySparse(from: string, target: string): Promise<void> {
  const flags = ["--sparse=always", "--reflink=auto", "--dereference"];
  try {
    await promisify(execFile)("cp", [...flags, "--preserve=mode,ownership", from, target]);
  } catch (error) {
    const isFull = String((error as { stderr?: string }).stderr).includes("No space left");
    throw isFull ? Object.assign(error as Error, { code: "ENOSPC" }) : error;
  }
}
