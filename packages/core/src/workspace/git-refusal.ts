import type { Change, Tree } from "./compare.ts";
import { nameOf, parentOf } from "./paths.ts";

/** What git only records, in submodules and worktrees, too: nothing of it is run, and none of it says where something else is. */
const RECORDS =
  /^(?:(?:modules\/.+|worktrees\/[^/]+)\/)?(?:HEAD|ORIG_HEAD|FETCH_HEAD|MERGE_HEAD|MERGE_MSG|MERGE_MODE|AUTO_MERGE|CHERRY_PICK_HEAD|REVERT_HEAD|COMMIT_EDITMSG|index|info\/refs|packed-refs|shallow|(?:refs|logs|objects)(?:\/.*)?)$/s;
/** Other directories of objects. */
const ELSEWHERE = /(?:^|\/)objects\/info\/(?:http-)?alternates$/;
const WHY = "git may run it, or be led by it";

const isRecord = (path: string): boolean => RECORDS.test(path) && !ELSEWHERE.test(path);

/** Why git keeps a change from being written. `tree` is what would be there. */
export function gitRefusal({ path, from, before, after }: Change, tree: Tree): string | undefined {
  for (const each of from === undefined ? [path] : [path, from]) {
    const parts = each.split("/");
    const git = parts.findIndex((part) => part.toLowerCase() === ".git");
    if (git !== -1) {
      const rest = parts.slice(git + 1).join("/");
      const isDirectory = rest === "" && (after === undefined || after.type === "directory");
      if (isRecord(rest) ? after?.type === "symlink" : !isDirectory) return WHY;
      continue;
    }
    const repositories = repositoriesIn(tree);
    if (repositories.size === 0) continue;
    for (let at = each; at !== ""; at = parentOf(at)) {
      const directory = parentOf(at);
      if (!repositories.has(directory)) continue;
      const rest = directory === "" ? each : each.slice(directory.length + 1);
      const isNew = before === undefined || each !== (from ?? path);
      const completes = isNew && /^(?:HEAD|objects|refs)$/.test(rest);
      const has = (name: string): boolean => tree.has(inside(directory, name));
      // What was harmless before is run once it is part of a repository.
      const isArmed = ["config", "hooks", "commondir"].some(has);
      if (!isRecord(rest) || (completes && isArmed)) return WHY;
    }
  }
  return undefined;
}

const inside = (directory: string, name: string): string =>
  directory === "" ? name : `${directory}/${name}`;

const known = new WeakMap<Tree, ReadonlySet<string>>();

/** Directories that git takes for repositories, whatever they are called. */
function repositoriesIn(tree: Tree): ReadonlySet<string> {
  const found = known.get(tree) ?? new Set(findRepositories(tree));
  known.set(tree, found);
  return found;
}

function* findRepositories(tree: Tree): Generator<string> {
  for (const path of tree.keys()) {
    if (nameOf(path) !== "HEAD") continue;
    const directory = parentOf(path);
    const has = (name: string): boolean => tree.has(inside(directory, name));
    if (has("commondir") || (has("objects") && has("refs"))) yield directory;
  }
}
