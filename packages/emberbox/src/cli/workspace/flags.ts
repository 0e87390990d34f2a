import { type Command, Option } from "commander";
import type { WorkspaceMode, WorkspaceOptions } from "@emberbox/core/workspace";
import { UsageError } from "../failure.ts";
import { collect } from "../lists.ts";

export interface WorkspaceFlags {
  readonly workspace?: string;
  readonly workspaceMode?: WorkspaceMode;
  readonly ignore?: readonly string[];
}

const MODES = ["review", "readonly", "live"] as const;

/** The flags of every command that brings a folder along. */
export const addWorkspaceFlags = (command: Command): Command =>
  command
    .option("-w, --workspace <DIR>", "bring this folder along; it changes when you apply changes")
    .addOption(
      new Option(
        "--workspace-mode <M>",
        "review: changes are applied; readonly: there are none; live: they go through at once (default: review)",
      ).choices(MODES),
    )
    .option(
      "--ignore <PATTERN>",
      "leave this out of the folder, as a line of .gitignore would; may be repeated",
      collect,
    );

/** @throws `UsageError` for flags that have no use without a folder */
export function workspaceOf({
  workspace: host,
  workspaceMode: mode,
  ignore,
}: WorkspaceFlags): WorkspaceOptions | undefined {
  if (host !== undefined) return { host, mode, ignore };
  const given = { "workspace-mode": mode, ignore };
  refuseWithoutWorkspace(given);
  return undefined;
}

/** @throws `UsageError` naming the first that was given */
export function refuseWithoutWorkspace(given: Readonly<Record<string, unknown>>): void {
  const found = Object.entries(given).find(([, value]) => value !== undefined);
  if (found === undefined) return;
  throw new UsageError(
    `--${found[0]} is of no use without --workspace`,
    "Add --workspace DIR, or leave it out.",
  );
}
