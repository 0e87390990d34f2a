import { EmberboxError } from "../errors.ts";
import type { Change } from "./compare.ts";
import type { Put } from "./inside.ts";
import type { Originals } from "./originals.ts";
import { comparePaths, parentOf, textOf } from "./paths.ts";

const MAX_BYTES = 512 * 1024 * 1024;

/** What is to be done in the sandbox so that changes are undone. @throws `file_not_found` when an original is gone */
export async function planDiscard(
  changes: readonly Change[],
  chosen: readonly Change[],
  originals: Originals,
  signal?: AbortSignal,
): Promise<{ removed: string[]; puts: Put[] }> {
  const removed: string[] = [];
  const puts: Put[] = [];
  for (const change of withParents(changes, chosen)) {
    const { path, kind, before, after } = change;
    if (after !== undefined && (before === undefined || kind !== "mode")) {
      const isSameKind = kind === "changed" && before!.type === "file";
      if (!isSameKind) removed.push(path);
    }
    if (before === undefined) continue;
    const { type, mode, mtimeMs, target, size } = before;
    const bytes = type === "file" ? await originals.bytes(before, MAX_BYTES, signal) : undefined;
    if (type === "file" && bytes === undefined)
      throw new EmberboxError(
        "file_not_found",
        `What ${JSON.stringify(textOf(before.path).slice(0, 500))} was is not kept anywhere: the folder has changed, too`,
        { hint: "`refresh()` brings in what the folder has, or write the file in the sandbox." },
      );
    puts.push({
      ...{ path: change.from ?? path, type: type as Put["type"], mode, mtimeMs, size },
      ...(target !== undefined && { target }),
      ...(bytes && {
        content: async function* () {
          yield bytes;
        },
      }),
    });
  }
  return { removed, puts: puts.toSorted((a, b) => comparePaths(a.path, b.path)) };
}

/** Directories that are gone come back with what was in them. */
function withParents(changes: readonly Change[], chosen: readonly Change[]): readonly Change[] {
  const all = new Set(chosen);
  const byPath = new Map(changes.map((change) => [change.path, change]));
  for (const { path, from } of chosen.filter(({ before }) => before !== undefined))
    for (let at = parentOf(from ?? path); at !== ""; at = parentOf(at)) {
      const parent = byPath.get(at);
      if (parent?.before?.type === "directory" && parent.after?.type !== "directory")
        all.add(parent);
    }
  return [...all];
}
