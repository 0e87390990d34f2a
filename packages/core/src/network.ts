import { z } from "zod";
import type {
  EgressProxy,
  NetworkCeiling,
  NetworkOptions,
  RequestMatch,
  SandboxProvider,
  SandboxSecret,
} from "./provider.ts";
import { EmberboxError } from "./errors.ts";

const hosts = z.array(z.string().min(1).max(253)).max(1024);

/** E2B's limits: 10 hosts, 20 headers. */
const headers = z
  .record(
    z.string().regex(/^[!#$%&'*+.^_`|~\w-]{1,64}$/),
    z
      .string()
      .max(2048)
      .regex(/^[^\0\r\n]*$/),
  )
  .refine((given) => Object.keys(given).length <= 20);
const text = z.string().max(2048);
const textMatch = z.union([z.strictObject({ exact: text }), z.strictObject({ startsWith: text })]);
const pairs = z
  .array(z.strictObject({ name: textMatch.optional(), value: textMatch.optional() }))
  .max(20);
const match: z.ZodType<RequestMatch> = z.strictObject({
  path: textMatch.optional(),
  methods: z
    .array(z.string().regex(/^[A-Z-]{1,32}$/))
    .max(20)
    .optional(),
  query: pairs.optional(),
  headers: pairs.optional(),
});
const rules = z
  .record(
    z.string().min(1).max(253),
    z
      .array(z.strictObject({ match: match.optional(), transform: z.strictObject({ headers }) }))
      .max(20),
  )
  .refine((given) => Object.keys(given).length <= 10);

const credential = z
  .string()
  .min(1)
  .refine((given) => Buffer.byteLength(given) <= 255, "must have at most 255 bytes");
const egressProxy: z.ZodType<EgressProxy> = z
  .strictObject({
    address: z.string().min(3).max(262),
    username: credential.optional(),
    password: credential.optional(),
  })
  .refine(
    ({ username, password }) => username !== undefined || password === undefined,
    "a password needs a username",
  );

/** Checks the shape only: what an entry means is up to the provider. */
export const networkSchema: z.ZodType<boolean | NetworkOptions> = z
  .union([
    z.boolean(),
    z.strictObject({
      allowOut: hosts.optional(),
      denyOut: hosts.optional(),
      rules: rules.optional(),
      allowPublicTraffic: z.boolean().optional(),
      maskRequestHost: z
        .string()
        .max(253)
        .regex(/^([\w.:[\]-]|\$\{PORT\})+$/)
        .optional(),
      egressProxy: egressProxy.optional(),
    }),
  ])
  .describe(
    "a boolean or `{ allowOut, denyOut, rules, allowPublicTraffic, maskRequestHost, egressProxy }`",
  );

/**
 * Refuses what only some providers have: rules would be for all requests elsewhere, and connections go out directly.
 * @throws `unsupported`
 */
export function refuseNetwork(
  { name, capabilities }: Pick<SandboxProvider, "name" | "capabilities">,
  network: boolean | NetworkOptions | undefined,
): void {
  if (typeof network !== "object") return;
  if (network.egressProxy !== undefined && capabilities.egressProxy !== true)
    throw new EmberboxError("unsupported", `The provider ${name} has no \`network.egressProxy\``);
  if (capabilities.requestRules === true) return;
  const lists = Object.values(network.rules ?? {});
  if (lists.every((list) => list.length < 2 && list[0]?.match === undefined)) return;
  throw new EmberboxError(
    "unsupported",
    `The provider ${name} has one rule for each host, for all of its requests`,
    { hint: "Leave `match` out of `network.rules`, or use the provider `microvm`." },
  );
}

/** Checks the shape of a network ceiling. */
export const ceilingSchema: z.ZodType<NetworkCeiling | undefined> = z
  .union([z.boolean(), z.strictObject({ allowOut: hosts.optional(), denyOut: hosts.optional() })])
  .optional()
  .describe("a boolean or `{ allowOut, denyOut }`");

const MAX_SECRETS = 64;
/** Shorter values can be guessed: a host that echoes what it is sent shows which guess is right. */
const MIN_VALUE = 8;

/** Checks the shape of `secrets`; messages never show their values. */
export const secretsSchema: z.ZodType<Readonly<Record<string, SandboxSecret>> | undefined> = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
    z.strictObject({
      value: z
        .string()
        .min(MIN_VALUE)
        .max(8192)
        .regex(/^\P{Cc}*$/u),
      hosts: hosts.min(1),
    }),
  )
  .refine((given) => Object.keys(given).length <= MAX_SECRETS)
  .optional()
  .describe(
    "`{ NAME: { value, hosts } }`: a value of 8 to 8192 characters in one line, and at least one host",
  )
  .meta({ secret: true });
