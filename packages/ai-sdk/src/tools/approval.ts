import type { ToolInputs, ToolName } from "@emberbox/core/tools";
import { kindOf } from "./kinds.ts";

/** What happens to a call: it waits for the user, runs, or is refused; `not-applicable` runs it silently. */
export type ApprovalStatus =
  | "not-applicable"
  | "approved"
  | "denied"
  | "user-approval"
  | { readonly type: "approved" | "denied" | "user-approval"; readonly reason?: string };

type Rule<Input> =
  | ApprovalStatus
  | ((input: Input) => ApprovalStatus | undefined | PromiseLike<ApprovalStatus | undefined>);

/** A status, or a function of the arguments, for each kind of tool. */
export type ApprovalPolicy = { readonly [Name in ToolName]?: Rule<Partial<ToolInputs[Name]>> };

type Approvals<Tools> = { readonly [Key in keyof Tools]?: Rule<any> };

/**
 * Makes a `toolApproval` for the sandbox's tools among `tools`, whatever their keys. Tools that the policy does not
 * name need approval when they change something, and run when they only read. Arguments come from the model: any field
 * may be missing.
 */
export function sandboxApproval<Tools extends Readonly<Record<string, unknown>>>(
  tools: Tools,
  policy: ApprovalPolicy = {},
): Approvals<Tools> {
  const rules = Object.entries(tools).flatMap(([key, tool]) => {
    const known = kindOf(tool);
    if (known === undefined) return [];
    return [[key, policy[known.kind] ?? (known.readOnly ? "not-applicable" : "user-approval")]];
  });
  return Object.fromEntries(rules) as Approvals<Tools>;
}
