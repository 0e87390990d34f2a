import { EmberboxError } from "@emberbox/core";
import type {
  Workspace,
  WorkspaceApplied,
  WorkspaceApplyOptions,
  WorkspaceChange,
} from "@emberbox/core/workspace";
import { ask, canAsk } from "../confirm.ts";
import { say } from "../failure.ts";
import { counted } from "./summary.ts";

type OnConflict = NonNullable<WorkspaceApplyOptions["onConflict"]>;

export const ON_CONFLICT: readonly OnConflict[] = ["refuse", "merge", "overwrite", "skip"];

const CHOICES = `m: merge their lines    o: let the sandbox's win
s: leave these alone    n: apply nothing`;

export interface Shown {
  readonly changes: readonly WorkspaceChange[];
  readonly digest: string;
}

/**
 * Applies what was shown, or some of it. On a terminal, conflicts are asked about. Resolves to how many changes were
 * applied.
 */
export async function applyShown(
  workspace: Workspace,
  { digest }: Shown,
  paths: readonly string[] | undefined,
  signal: AbortSignal,
  onConflict: OnConflict = "refuse",
): Promise<number> {
  if (paths?.length === 0) return 0;
  try {
    const applied = await workspace.apply({ paths, digest, onConflict, signal });
    sayApplied(workspace, applied);
    return applied.applied.length;
  } catch (error) {
    const isConflict = EmberboxError.isInstance(error) && error.code === "workspace_conflict";
    if (!isConflict || onConflict !== "refuse" || !canAsk()) throw error;
    say(error.message);
    const other = await askConflict(signal);
    if (other === undefined) return 0;
    return applyShown(workspace, { digest, changes: [] }, paths, signal, other);
  }
}

async function askConflict(signal: AbortSignal): Promise<OnConflict | undefined> {
  const answers = { m: "merge", o: "overwrite", s: "skip" } as const;
  for (;;) {
    const answer = await ask("What shall become of them?", ["m", "o", "s", "n"], signal);
    if (answer === "n") return undefined;
    if (answer !== undefined) return answers[answer];
    say(CHOICES);
  }
}

function sayApplied({ host }: Workspace, { applied, merged, skipped }: WorkspaceApplied): void {
  const notes = [
    ...(merged.length > 0 ? [`${merged.length} of them merged`] : []),
    ...(skipped.length > 0 ? [`left alone: ${skipped.join(", ")}`] : []),
  ];
  const more = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  say(`applied ${counted(applied.length)} to ${host}${more}`);
}
