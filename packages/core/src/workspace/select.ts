import { EmberboxError } from "../errors.ts";
import type { Change } from "./compare.ts";
import { givenPath, isIn, parentOf, textOf } from "./paths.ts";

/** The changes of some paths and of what is in them, with the directories that those need. @throws `invalid_argument` */
export function select(
  changes: readonly Change[],
  paths: readonly string[] | undefined,
): readonly Change[] {
  if (paths === undefined) return changes;
  const wanted = paths.map(givenPath);
  const chosen = new Set<Change>();
  for (const path of wanted) {
    const found = changes.filter(
      (change) => isIn(change.path, path) || (change.from !== undefined && isIn(change.from, path)),
    );
    if (found.length === 0 && path !== "")
      throw new EmberboxError(
        "invalid_argument",
        `Nothing has changed at ${JSON.stringify(textOf(path).slice(0, 500))}`,
        { hint: "`changes()` says what has." },
      );
    for (const change of found) chosen.add(change);
  }
  const byPath = new Map(changes.map((change) => [change.path, change]));
  for (const { path } of [...chosen])
    for (let at = parentOf(path); at !== ""; at = parentOf(at)) {
      const parent = byPath.get(at);
      if (parent?.after?.type === "directory" && parent.kind !== "mode") chosen.add(parent);
    }
  return changes.filter((change) => chosen.has(change));
}
