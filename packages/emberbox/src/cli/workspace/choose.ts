import type { Workspace, WorkspaceChange } from "@emberbox/core/workspace";
import { ask } from "../confirm.ts";
import { say } from "../failure.ts";
import { showDiff } from "./pager.ts";
import { counted, lineOf } from "./summary.ts";

const EACH = `y: apply this one      n: leave it
d: show the difference  a: apply it and all that follow
q: leave it and all that follow`;
const ALL = `y: apply all of them   n: none of them
d: show the differences  f: choose, file by file`;

/** Asks which changes to apply; resolves to their paths. */
export async function chooseChanges(
  workspace: Workspace,
  changes: readonly WorkspaceChange[],
  signal: AbortSignal,
): Promise<string[]> {
  const all = changes.map(({ path }) => path);
  for (;;) {
    const question = `Apply ${counted(changes.length)} to ${workspace.host}?`;
    const answer = await ask(question, ["y", "n", "d", "f"], signal);
    if (answer === "y") return all;
    if (answer === "n") return [];
    if (answer === "f")
      return withDirectories(changes, await chooseEach(workspace, changes, signal));
    if (answer === "d") await showDiff((await workspace.diff({ signal })).text);
    else say(ALL);
  }
}

async function chooseEach(
  workspace: Workspace,
  changes: readonly WorkspaceChange[],
  signal: AbortSignal,
): Promise<Set<string>> {
  const single = changes.filter(({ path }) => !changes.some((other) => isBelow(other.path, path)));
  const chosen = new Set<string>();
  for (const [index, change] of single.entries()) {
    for (;;) {
      const question = `(${index + 1}/${single.length}) ${lineOf(change)}?`;
      const answer = await ask(question, ["y", "n", "d", "a", "q"], signal);
      if (answer === "d") {
        await showDiff((await workspace.diff({ path: change.path, signal })).text);
        continue;
      }
      if (answer === undefined) {
        say(EACH);
        continue;
      }
      if (answer === "y") chosen.add(change.path);
      if (answer === "a") for (const { path } of single.slice(index)) chosen.add(path);
      if (answer === "a" || answer === "q") return chosen;
      break;
    }
  }
  return chosen;
}

/** A directory is chosen with everything in it. */
function withDirectories(changes: readonly WorkspaceChange[], chosen: Set<string>): string[] {
  const isWhole = (path: string): boolean =>
    changes.every((other) => {
      const isParent = changes.some((below) => isBelow(below.path, other.path));
      return !isBelow(other.path, path) || isParent || chosen.has(other.path);
    });
  return changes
    .map(({ path }) => path)
    .filter(
      (path) => chosen.has(path) || (changes.some((c) => isBelow(c.path, path)) && isWhole(path)),
    );
}

const isBelow = (path: string, above: string): boolean => path.startsWith(`${above}/`);
