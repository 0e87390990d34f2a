import type { WorkspaceInfo, WorkspaceMount } from "../workspace-options.ts";
import { IgnoreTree } from "./ignore-tree.ts";
import { bytesOf } from "./paths.ts";
import { scan } from "./scan.ts";
import { secretAt } from "./secrets.ts";
import type { LeftOut } from "./types.ts";

/**
 * What stays out of a folder that a sandbox works on itself: by its name, whenever it comes to be there; and what held a
 * secret when the folder was looked at.
 */
export function staysOut(
  ignore: IgnoreTree,
  leftOut: readonly LeftOut[],
  secrets: boolean,
): WorkspaceMount["isIgnored"] {
  if (secrets) return (path, isDirectory) => ignore.isIgnored(path, isDirectory);
  const found = new Set(
    leftOut.filter(({ reason }) => reason === "secret").map(({ path }) => bytesOf(path)),
  );
  return (path, isDirectory) =>
    ignore.isIgnored(path, isDirectory) ||
    found.has(path) ||
    secretAt(path, isDirectory, () => "") !== undefined;
}

/**
 * The `isIgnored` of a workspace that a provider finds again, such as for a sandbox that another program paused: what it
 * was asked for with is looked up in the folder as it is now. @throws `invalid_path`
 */
export async function findIgnored({
  host,
  options = {},
}: Pick<WorkspaceInfo, "host" | "options">): Promise<WorkspaceMount["isIgnored"]> {
  const { ignore: patterns, gitignore, secrets = false } = options;
  const ignore = new IgnoreTree(patterns, gitignore);
  const { leftOut } = await scan(host, { ignore, secrets });
  return staysOut(ignore, leftOut, secrets);
}
