import type { Change, Tree } from "./compare.ts";
import { Directory } from "./directory.ts";
import { gitRefusal } from "./git-refusal.ts";
import type { GuestEntry } from "./guest-answer.ts";
import { lookAt } from "./host-folder.ts";
import { parentOf } from "./paths.ts";
import { RESERVED } from "./scan.ts";

/** Where changes are to be written: the folder `host`, with `tree` in it then, as far as the sandbox knows. */
export interface Place {
  readonly host: string;
  readonly tree: Tree;
}

/** Why a change may not be written to the folder, whatever it is asked for. */
export function refusal(
  change: Change,
  place: Place,
  allowGitInternals: boolean,
): string | undefined {
  const { path, after } = change;
  if (path.split("/", 1)[0]!.startsWith(RESERVED)) return `names with ${RESERVED} are its own`;
  if (after?.type === "other") return "it is a socket, pipe or device";
  if (after?.type === "file" && after.digest === undefined) return "it is too long to be read";
  if (after?.type === "symlink") {
    const why = linkRefusal(path, after.target!, place);
    if (why !== undefined) return why;
  }
  return allowGitInternals ? undefined : gitRefusal(change, place.tree);
}

/** Links that lead to links, and so on. */
const MAX_LINKS = 40;

/** A link may only lead to something in the folder, by directories of the folder, and so may what it leads to. */
function linkRefusal(path: string, target: string, place: Place, links = 0): string | undefined {
  if (target.startsWith("/")) return "it is a link to an absolute path";
  if (links === MAX_LINKS) return "it is a link that leads to too many links";
  let at = parentOf(path);
  let isDown = false;
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    // After a name, `..` leads wherever that name leads.
    if (part === ".." && isDown) return "it is a link with `..` after a name";
    if (part === "..") {
      if (at === "") return "it is a link that leads out of the folder";
      at = parentOf(at);
      continue;
    }
    if (isDown && entryAt(place, at)?.type === "symlink")
      return "it is a link by way of another link";
    isDown = true;
    at = at === "" ? part : `${at}/${part}`;
  }
  const end = isDown ? entryAt(place, at) : undefined;
  return end?.type === "symlink" ? linkRefusal(at, end.target!, place, links + 1) : undefined;
}

/** The folder may have links that the sandbox never saw, since they stay out of it. */
function entryAt({ host, tree }: Place, path: string): GuestEntry | undefined {
  const known = tree.get(path);
  if (known !== undefined) return known;
  using root = Directory.root(host);
  const found = lookAt(root, path);
  return typeof found === "object" ? found.entry : undefined;
}
