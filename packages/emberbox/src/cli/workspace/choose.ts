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
  const parents = above(changes);
  const single = changes.filter(({ path }) => !parents.has(path));
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
  const parents = above(changes);
  const partly = above(changes.filter(({ path }) => !parents.has(path) && !chosen.has(path)));
  return changes
    .map(({ path }) => path)
    .filter((path) => (parents.has(path) ? !partly.has(path) : chosen.has(path)));
}

/** The directories that changes are in. */
function above(changes: readonly WorkspaceChange[]): Set<string> {
  const directories = new Set<string>();
  for (const { path } of changes)
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
      directories.add(path.slice(0, end));
  return directories;
}
