import { EmberboxError } from "@emberbox/core";
import type { NetworkOptions, NetworkRule, PairMatch, TextMatch } from "@emberbox/core/network";
import { z } from "zod";
import { EVERYTHING, isSpecial, without } from "./ranges.ts";

/** What a sandbox may reach, in the harness's form. */
export type NetworkPolicy =
  | { readonly mode: "allow-all" }
  | { readonly mode: "deny-all" }
  | {
      readonly mode: "custom";
      readonly allowedHosts?: readonly string[];
      readonly allowedCIDRs?: readonly string[];
      /** They win over what is allowed. */
      readonly deniedCIDRs?: readonly string[];
    };

/** A text: all of it, its beginning, or a pattern, which is refused. */
export type TextMatcher =
  | { readonly exact: string }
  | { readonly startsWith: string }
  | { readonly regex: string };

/** A header, or a parameter of the query. */
export interface KeyValueMatcher {
  readonly key?: TextMatcher;
  readonly value?: TextMatcher;
}

/** Headers that are set on requests once they have left the sandbox, in the harness's form. */
export interface RequestTransformation {
  readonly match: {
    readonly host: string;
    readonly path?: TextMatcher;
    readonly method?: readonly string[];
    readonly queryString?: readonly KeyValueMatcher[];
    readonly headers?: readonly KeyValueMatcher[];
  };
  readonly transform: { readonly headers: Readonly<Record<string, string>> };
}

const list = z.array(z.string()).optional();

export const policySchema: z.ZodType<NetworkPolicy> = z
  .union([
    z.strictObject({ mode: z.enum(["allow-all", "deny-all"]) }),
    z.strictObject({
      mode: z.literal("custom"),
      allowedHosts: list,
      allowedCIDRs: list,
      deniedCIDRs: list,
    }),
  ])
  .describe(
    "`{ mode }`, which is `allow-all`, `deny-all`, or `custom` with `allowedHosts`, `allowedCIDRs` and `deniedCIDRs`",
  ) as z.ZodType<NetworkPolicy>;

const matcher = z.union([
  z.strictObject({ exact: z.string() }),
  z.strictObject({ startsWith: z.string() }),
  z.strictObject({ regex: z.string() }),
]);
const pairs = z
  .array(z.strictObject({ key: matcher.optional(), value: matcher.optional() }))
  .optional();

/** What it does not know is refused: a condition that were passed over would send headers where they do not belong. */
export const transformationsSchema: z.ZodType<RequestTransformation[]> = z
  .array(
    z.strictObject({
      match: z.strictObject({
        host: z.string(),
        path: matcher.optional(),
        method: z.array(z.string()).optional(),
        queryString: pairs,
        headers: pairs,
      }),
      transform: z.strictObject({ headers: z.record(z.string(), z.string()) }),
    }),
  )
  .describe("an array of `{ match, transform: { headers } }`")
  .meta({ secret: true }) as z.ZodType<RequestTransformation[]>;

/** @throws `unsupported` for what cannot be enforced, `invalid_argument` */
export function networkOf(policy: NetworkPolicy): boolean | NetworkOptions {
  if (policy.mode !== "custom") return policy.mode === "allow-all";
  const { allowedHosts = [], allowedCIDRs = [], deniedCIDRs = [] } = policy;
  if (deniedCIDRs.length === 0)
    return { allowOut: [...allowedHosts, ...allowedCIDRs], denyOut: [EVERYTHING] };
  // The engine lets what is allowed win, so what is denied is taken out of it.
  const allowed = without(
    allowedCIDRs.filter((range) => range !== EVERYTHING),
    deniedCIDRs,
  );
  if (allowedCIDRs.includes(EVERYTHING)) {
    // All hosts are among it, except those at addresses that are named here. Of these, what is denied is left out.
    return { allowOut: allowed.filter(isSpecial), denyOut: [...deniedCIDRs] };
  }
  const lost = allowedHosts.length === 0 ? undefined : deniedCIDRs.find((each) => !isSpecial(each));
  if (lost === undefined) return { allowOut: [...allowedHosts, ...allowed], denyOut: [EVERYTHING] };
  throw new EmberboxError(
    "unsupported",
    `\`deniedCIDRs\` cannot keep \`allowedHosts\` from the public addresses in ${lost.slice(0, 100)}: a host that is ` +
      "allowed by its name is reached wherever it is. Private, loopback and link-local ranges may be denied",
  );
}

/** A transformation as a rule for its host. @throws `unsupported` for what cannot be matched */
export function ruleOf({ match, transform }: RequestTransformation): NetworkRule {
  const { host: _, path, method, queryString, headers } = match;
  const has = {
    ...(path && { path: textOf(path) }),
    ...(method && { methods: method.map((each) => each.toUpperCase()) }),
    ...(queryString && { query: queryString.map(pairOf) }),
    ...(headers && { headers: headers.map(pairOf) }),
  };
  return { ...(Object.keys(has).length > 0 && { match: has }), transform };
}

function pairOf({ key, value }: KeyValueMatcher): PairMatch {
  return { ...(key && { name: textOf(key) }), ...(value && { value: textOf(value) }) };
}

function textOf(matcher: TextMatcher): TextMatch {
  if (!("regex" in matcher)) return matcher;
  throw new EmberboxError(
    "unsupported",
    "Requests cannot be matched by `regex`: the sandbox would decide how long that takes. Use `exact` or `startsWith`",
  );
}
