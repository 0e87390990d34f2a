import { constants } from "node:fs";
import { closeFd, openFd } from "../host/descriptors.ts";
import { openBulk } from "./bulk.ts";
import { openHole, openScratch, sparse } from "./files.ts";
import { closeFiles, type OpenFiles } from "./process.ts";

/**
 * The size of the workspace device as a template's machine knows it, which every image of folders is below: a kernel
 * that goes on in a sandbox does not ask again. 1 TiB.
 */
const WORKSPACE_BYTES = 2 ** 40;

/** Opens what takes the place of an image of folders where there is none: nothing can be read from it. */
export async function openNoWorkspace(run: string): Promise<number> {
  // Its owner may not open it for writing either.
  const hole = await openHole(WORKSPACE_BYTES, 0o400);
  if (hole === undefined) return openScratch(run, sparse(WORKSPACE_BYTES));
  try {
    return await openFd(`/proc/self/fd/${hole}`, constants.O_RDONLY);
  } finally {
    await closeFd(hole);
  }
}

/** Adds empty devices to the open files of a machine that makes a template; closes them if that fails. */
export async function withEmptyDevices(files: OpenFiles, run: string): Promise<OpenFiles> {
  const opened: { -readonly [key in keyof OpenFiles]: OpenFiles[key] } = { ...files };
  try {
    opened.bulk = await openBulk(run);
    opened.workspace = await openNoWorkspace(run);
    return opened;
  } catch (error) {
    await closeFiles({ files: opened });
    throw error;
  }
}
