import { join } from "node:path";

/** Node 24 of the workspace, for programs that run from source: Node 22 does not know all of their syntax. */
export const sourceNode: string = join(import.meta.dirname, "../node_modules/.bin/node");

/** Resolves the workspace's packages to their sources. */
export const SOURCE = "--conditions=@emberbox/source";
