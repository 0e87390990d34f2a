import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { paths } from "../../../packages/microvm/src/host/paths.ts";
import { findCgroupParent } from "../../../packages/microvm/src/machine/cgroup.ts";
import { programsIn } from "../../../packages/microvm/src/provider/program-socket.ts";

const { state, run } = paths();

/** Directories of paused sandboxes, by id. */
export function pausedOnDisk(): string[] {
  return entries(join(state, "paused")).filter((name) => !name.startsWith("."));
}

/** What the server remembers that is not gone: id and state. */
export function rowsOf(stateDirectory: string): Map<string, string> {
  const database = new DatabaseSync(join(stateDirectory, "state.db"), { readOnly: true });
  try {
    const rows = database.prepare("SELECT sandboxId, state FROM sandboxes WHERE state <> 'gone'");
    return new Map(
      rows.all().map(({ sandboxId, state: its }) => [String(sandboxId), String(its)] as const),
    );
  } finally {
    database.close();
  }
}

/** Whatever is half made or half removed, and names of snapshots that are no more. */
export function leftovers(): string[] {
  const half = ["paused", "snapshots", "forks", "names"].flatMap((kind) =>
    entries(join(state, kind))
      .filter((name) => name.startsWith("."))
      .map((name) => `${kind}/${name}`),
  );
  const empty = ["paused", "snapshots"].flatMap((kind) =>
    entries(join(state, kind))
      .filter(
        (name) => !name.startsWith(".") && !existsSync(join(state, kind, name, "manifest.json")),
      )
      .map((name) => `${kind}/${name} without a manifest`),
  );
  const dangling = entries(join(state, "names"))
    .filter((name) => !name.startsWith("."))
    .filter((name) => {
      const id = readFileSync(join(state, "names", name), "utf8");
      return !existsSync(join(state, "snapshots", id));
    });
  return [...half, ...empty, ...dangling.map((name) => `names/${name} of nothing`)];
}

/** Files that machines have only for a moment; sockets of programs are elsewhere, and swept when they are listed. */
export function scratch(): string[] {
  return entries(run)
    .map((name) => join(run, name))
    .filter((path) => path !== programsIn(run));
}

/** Control groups of programs that do not run any more. */
export function deadCgroups(): string[] {
  const parent = findCgroupParent();
  if ("missing" in parent) return [];
  return entries(parent.path).filter((name) => {
    const pid = /^emberbox-(\d+)-\d+$/.exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  });
}

function entries(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
