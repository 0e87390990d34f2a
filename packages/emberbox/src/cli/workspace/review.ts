import type { Workspace } from "@emberbox/core/workspace";
import { EmberboxError, type Sandbox } from "@emberbox/core";
import { canAsk, confirm } from "../confirm.ts";
import { reportFailure, say, UsageError } from "../failure.ts";
import { applyShown } from "./apply.ts";
import { chooseChanges } from "./choose.ts";
import type { HeldSandbox } from "./held.ts";
import { counted, summaryOf } from "./summary.ts";

export type Applying = "yes" | "ask" | "no";
export const APPLYING: readonly Applying[] = ["yes", "ask", "no"];

export interface ReviewOptions {
  /** @default `ask` on a terminal, otherwise `no` */
  readonly apply: Applying | undefined;
  readonly keep: boolean;
  readonly signal: AbortSignal;
}

/** @throws `UsageError` when there is nobody to ask */
export function refuseToAsk(apply: Applying | undefined): void {
  if (apply !== "ask" || canAsk()) return;
  throw new UsageError(
    "--apply ask needs a terminal",
    "Say --apply yes, or --keep to apply later.",
  );
}

/**
 * At the end of a sandbox: says what changed in its folder, applies it as asked, and keeps the sandbox where that is
 * asked for or where changes would be lost that should have been applied. Resolves to false when that failed.
 */
export async function endOfWorkspace(held: HeldSandbox, options: ReviewOptions): Promise<boolean> {
  const { sandbox } = held;
  if (sandbox.gone !== undefined) return true;
  const apply = options.apply ?? (canAsk() ? "ask" : "no");
  let isWell = true;
  let left = 0;
  try {
    for (const workspace of reviewed(sandbox))
      left += await reviewOne(workspace, apply, options.signal);
  } catch (error) {
    if (!options.signal.aborted) reportFailure(error);
    isWell = false;
    left = Infinity;
  }
  try {
    if (await shallKeep(left, isWell, apply, options)) await held.keep();
    else if (left > 0 && isWell && apply === "no")
      say("they go with the sandbox: --apply yes applies them, --keep keeps it for later");
  } catch (error) {
    reportFailure(error);
    return false;
  }
  return isWell;
}

const reviewed = ({ workspaces }: Sandbox): Workspace[] =>
  workspaces.filter(({ mode }) => mode === "review");

/** Resolves to how many changes are left. */
async function reviewOne(
  workspace: Workspace,
  apply: Applying,
  signal: AbortSignal,
): Promise<number> {
  const shown = await workspace.changes({ signal });
  const { changes } = shown;
  if (changes.length === 0) {
    say(`nothing changed in ${workspace.guest}`);
    return 0;
  }
  say(
    `${counted(changes.length)} in ${workspace.guest}, of ${workspace.host}:\n${summaryOf(changes)}`,
  );
  const possible = changes.filter(({ refused }) => refused === undefined);
  if (apply === "no" || possible.length === 0) return changes.length;
  const paths =
    apply === "ask"
      ? await chooseChanges(workspace, possible, signal)
      : possible.map(({ path }) => path);
  return changes.length - (await applyShown(workspace, shown, paths, signal));
}

async function shallKeep(
  left: number,
  isWell: boolean,
  apply: Applying,
  { keep, signal }: ReviewOptions,
): Promise<boolean> {
  if (keep) return true;
  if (left === 0) return false;
  // What could not be applied, or was being asked about, is not thrown away.
  if (!isWell) return apply !== "no";
  if (!canAsk() || apply !== "ask") return apply === "yes";
  try {
    return await confirm("Keep the sandbox, paused, with what was not applied?", false, signal);
  } catch {
    return true;
  }
}

/** The workspace that commands work in. @throws `invalid_argument` when the sandbox has none */
export function workspacesOf(sandbox: Sandbox, guest: string | undefined): Workspace[] {
  const all = reviewed(sandbox);
  const found = guest === undefined ? all : all.filter((workspace) => workspace.guest === guest);
  if (found.length > 0) return found;
  const what =
    guest === undefined ? "a workspace with changes to review" : `a workspace at ${guest}`;
  throw new EmberboxError(
    "invalid_argument",
    `The sandbox ${sandbox.sandboxId} does not have ${what}`,
    {
      hint: "Only `review` workspaces have changes to look at.",
    },
  );
}

/** Says which files stayed out because they look like secrets. */
export function sayLeftOut({ workspaces }: Sandbox): void {
  const secrets = workspaces
    .flatMap(({ leftOut }) => leftOut)
    .filter(({ reason }) => reason === "secret")
    .map(({ path }) => path);
  if (secrets.length === 0) return;
  const more = secrets.length > 5 ? `, … (${secrets.length})` : "";
  say(`these look like secrets and stay out: ${secrets.slice(0, 5).join(", ")}${more}`);
}
