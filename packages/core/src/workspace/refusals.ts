import type { Change, Tree } from "./compare.ts";
import { nameOf, parentOf } from "./paths.ts";
import { RESERVED } from "./scan.ts";

/** What git only records: nothing of it is run, and none of it says where something else is. */
const RECORDS =
  /^(?:HEAD|ORIG_HEAD|FETCH_HEAD|MERGE_HEAD|MERGE_MSG|MERGE_MODE|AUTO_MERGE|CHERRY_PICK_HEAD|REVERT_HEAD|COMMIT_EDITMSG|index|packed-refs|shallow|(?:refs|logs|objects)(?:\/.*)?)$/s;
const ELSEWHERE = /^objects\/info(?:\/.*)?$/s;

/**
 * Why a change may not be written to the folder, whatever it is asked for. `tree` is what would be there.
 */
export function refusal(
  change: Change,
  tree: Tree,
  allowGitInternals: boolean,
): string | undefined {
  const { path, after } = change;
  if (path.split("/", 1)[0]!.startsWith(RESERVED)) return `names with ${RESERVED} are its own`;
  if (after?.type === "other") return "it is a socket, pipe or device";
  if (after?.type === "symlink") {
    const why = linkRefusal(path, after.target!, tree);
    if (why !== undefined) return why;
  }
  return allowGitInternals ? undefined : gitRefusal(change, tree);
}

/** Links that lead to links, and so on. */
const MAX_LINKS = 40;

/** A link may only lead to something in the folder, by directories of the folder, and so may what it leads to. */
function linkRefusal(path: string, target: string, tree: Tree, links = 0): string | undefined {
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
    if (isDown && tree.get(at)?.type === "symlink") return "it is a link by way of another link";
    isDown = true;
    at = at === "" ? part : `${at}/${part}`;
  }
  const end = isDown ? tree.get(at) : undefined;
  return end?.type === "symlink" ? linkRefusal(at, end.target!, tree, links + 1) : undefined;
}

function gitRefusal({ path, from, after }: Change, tree: Tree): string | undefined {
  for (const each of from === undefined ? [path] : [path, from]) {
    const parts = each.split("/");
    const git = parts.findIndex((part) => part.toLowerCase() === ".git");
    if (git !== -1) {
      const rest = parts.slice(git + 1).join("/");
      const isPlain = rest !== "" && RECORDS.test(rest) && !ELSEWHERE.test(rest);
      const isDirectory = rest === "" && (after === undefined || after.type === "directory");
      if (isPlain ? after?.type === "symlink" : !isDirectory)
        return "git may run it, or be led by it";
    }
    const beside = (name: string): boolean => {
      const parent = parentOf(each);
      return tree.has(parent === "" ? name : `${parent}/${name}`);
    };
    // A directory that looks like a repository is one to git.
    if (nameOf(each) === "config" && ["HEAD", "objects", "refs"].every(beside))
      return "git may run it, or be led by it";
  }
  return undefined;
}
