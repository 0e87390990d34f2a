import type { Change } from "./compare.ts";
import { isSameMode } from "./compare.ts";
import type { Directory } from "./directory.ts";
import type { GuestEntry } from "./guest-answer.ts";
import { type Found, hashHostFile, lookAt } from "./host-folder.ts";
import type { Originals } from "./originals.ts";
import type { BaselineEntry } from "../workspace-options.ts";

/** One path that a change is about: a renamed file has two. */
export interface Edit {
  readonly change: Change;
  readonly path: string;
  readonly before?: (GuestEntry & Pick<BaselineEntry, "ctimeMs">) | undefined;
  readonly after?: GuestEntry | undefined;
}

/** An edit, and what the folder has there. */
export interface Compared extends Edit {
  readonly found: Found | undefined;
  /** The folder has it as the sandbox does. */
  readonly isDone: boolean;
  /** Why it cannot simply be done. */
  readonly conflict?: string | undefined;
  /** Not even when the folder's state does not matter. */
  readonly isBlocked?: boolean | undefined;
}

export function editsOf(change: Change): Edit[] {
  const { kind, path, from, before, after } = change;
  if (kind !== "renamed") return [{ change, path, before, after }];
  return [
    { change, path, after },
    { change, path: from!, before },
  ];
}

/**
 * Looks whether the folder still has what it had when host and sandbox last agreed. `makesWay` tells whether a directory
 * above is to take the place of something else.
 */
export async function compareWithHost(
  edit: Edit,
  host: string,
  root: Directory,
  originals: Originals,
  makesWay: (path: string) => boolean,
): Promise<Compared> {
  const { path, before, after } = edit;
  const seen = lookAt(root, path);
  const found = seen === "blocked" && makesWay(path) ? undefined : seen;
  if (found === "blocked") {
    const conflict = "a directory above it is none any more, or a link";
    // Where there is no such directory, there is nothing to be removed.
    return { ...edit, found: undefined, isDone: false, conflict, isBlocked: true };
  }
  const isThere = async (entry: GuestEntry, digest: string | undefined): Promise<boolean> =>
    found !== undefined && (await isSameThing(found, entry, digest, host));
  const done =
    after === undefined
      ? found === undefined
      : (await isThere(after, after.digest)) && isSameMode(found!.entry, after);
  if (done) return { ...edit, found, isDone: true };
  if (before === undefined) {
    if (found === undefined) return { ...edit, found, isDone: false };
    const isBlocked = found.entry.type === "directory" && after!.type !== "directory";
    const conflict = "the folder has something of that name by now";
    return { ...edit, found, isDone: false, conflict, isBlocked };
  }
  if (found === undefined)
    return { ...edit, found, isDone: false, conflict: "it was removed in the folder" };
  const isAsBefore =
    isUntouched(found, before) || (await isThere(before, await originals.digest(before)));
  if (isAsBefore) return { ...edit, found, isDone: false };
  const isBlocked = (found.entry.type === "directory") !== (before.type === "directory");
  const conflict = isBlocked
    ? "the folder has something else in its place"
    : "it was changed in the folder, too";
  return { ...edit, found, isDone: false, conflict, isBlocked };
}

/** Its times say that nobody has written to it. */
function isUntouched(
  { entry }: Found,
  before: GuestEntry & Pick<BaselineEntry, "ctimeMs">,
): boolean {
  return (
    entry.type === "file" &&
    before.type === "file" &&
    entry.size === before.size &&
    entry.mtimeMs === before.mtimeMs &&
    entry.ctimeMs === before.ctimeMs
  );
}

async function isSameThing(
  { entry: there }: Found,
  entry: GuestEntry,
  digest: string | undefined,
  host: string,
): Promise<boolean> {
  if (there.type !== entry.type || there.size !== (entry.type === "file" ? entry.size : 0))
    return false;
  if (entry.type === "symlink") return there.target === entry.target;
  if (entry.type !== "file") return entry.type === "directory";
  return digest !== undefined && digest === (await hashHostFile(host, there.path));
}
