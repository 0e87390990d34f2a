import type {
  CheckpointChanges,
  FileDifference,
  VariableDifference,
} from "../checkpoint-options.ts";
import type { FileListing, ListedFile } from "./file-listing.ts";
import type { Variables } from "./variables.ts";

/** More differences of a kind are not told. */
const MAX_DIFFERENCES = 10_000;

/** What is to be looked at more closely: as long as before, but written to since. */
export function suspects(before: FileListing, after: FileListing): string[] {
  return [...after].flatMap(([path, now]) => {
    const then = before.get(path);
    return then && isSuspect(then, now) ? [path] : [];
  });
}

const isSuspect = (then: ListedFile, now: ListedFile): boolean =>
  then.type === "f" &&
  now.type === "f" &&
  then.size === now.size &&
  then.mode === now.mode &&
  then.mtime !== now.mtime;

/** `isSame` tells of those that are suspect. */
export function compare(
  before: { readonly files: FileListing; readonly variables: Variables | undefined },
  after: { readonly files: FileListing; readonly variables: Variables | undefined },
  isSame: (path: string) => boolean,
): CheckpointChanges {
  const files = compareFiles(before.files, after.files, isSame);
  const variables =
    before.variables && after.variables && compareVariables(before.variables, after.variables);
  return {
    files: files.slice(0, MAX_DIFFERENCES),
    ...(variables && { variables: variables.slice(0, MAX_DIFFERENCES) }),
    truncated: Math.max(files.length, variables?.length ?? 0) > MAX_DIFFERENCES,
  };
}

function compareFiles(
  before: FileListing,
  after: FileListing,
  isSame: (path: string) => boolean,
): FileDifference[] {
  const found: FileDifference[] = [];
  for (const [path, now] of after) {
    const then = before.get(path);
    if (!then) found.push({ path, change: "added", sizeAfter: now.size });
    else if (differs(then, now) && !(isSuspect(then, now) && isSame(path)))
      found.push({ path, change: "changed", sizeBefore: then.size, sizeAfter: now.size });
  }
  for (const [path, then] of before)
    if (!after.has(path)) found.push({ path, change: "removed", sizeBefore: then.size });
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** A directory is what is in it, whenever that was. */
const differs = (then: ListedFile, now: ListedFile): boolean =>
  then.type !== now.type ||
  then.mode !== now.mode ||
  then.owner !== now.owner ||
  then.target !== now.target ||
  (now.type === "f" && (then.size !== now.size || then.mtime !== now.mtime));

function compareVariables(before: Variables, after: Variables): VariableDifference[] {
  const found: VariableDifference[] = [];
  for (const name of [...new Set([...before.keys(), ...after.keys()])].toSorted()) {
    const [then, now] = [before.get(name), after.get(name)];
    if (then?.digest === now?.digest && then?.type === now?.type) continue;
    const side = (of: typeof then): VariableDifference["before"] =>
      of && { type: of.type, text: of.text };
    found.push({
      name,
      change: !then ? "added" : now ? "changed" : "removed",
      ...(then && { before: side(then) }),
      ...(now && { after: side(now) }),
    });
  }
  return found;
}
