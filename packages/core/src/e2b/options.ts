import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import { withoutUser } from "../mistake.ts";
import { type FieldsOf, milliseconds, parseOptions, text } from "../options.ts";

/** How to reach a service that speaks E2B's protocol. */
export interface E2bOptions {
  /** @default E2B_API_KEY */
  readonly apiKey?: string | undefined;
  /** @default E2B_DOMAIN, or "e2b.app" */
  readonly domain?: string | undefined;
  /** The control plane, which creates and ends sandboxes. @default E2B_API_URL, or `https://api.{domain}` */
  readonly apiUrl?: string | undefined;
  /** One address for the traffic of all sandboxes. @default E2B_SANDBOX_URL, or host names below the domain */
  readonly sandboxUrl?: string | undefined;
  /**
   * How long the service may take to answer, in milliseconds; 0 for no limit.
   * @default 60_000; 300_000 for calls that create, resume, save or copy a sandbox
   */
  readonly requestTimeoutMs?: number | undefined;
  /** How often a request is retried when that is safe. @default 3 */
  readonly retries?: number | undefined;
}

export interface Settings {
  readonly apiKey: string;
  readonly domain: string;
  readonly apiUrl: string;
  readonly sandboxUrl: string | undefined;
  readonly requestTimeoutMs: number | undefined;
  readonly retries: number;
}

/** A host name, optionally with a port. */
export const HOST: RegExp = /^[a-z0-9.-]+(:\d{1,5})?$/i;
const KEY = /^[\x21-\x7e]+$/;

const schema = z.strictObject({
  apiKey: z.string().optional().describe("a string").meta({ secret: true }),
  domain: text,
  apiUrl: text,
  sandboxUrl: text,
  requestTimeoutMs: milliseconds,
  retries: z.int().min(0).max(100).optional().describe("a whole number from 0 to 100"),
} satisfies FieldsOf<E2bOptions>);

/** @throws `invalid_argument`, and `unauthorized` without a key */
export function resolveOptions(options: E2bOptions): Settings {
  const given = parseOptions(schema, options);
  const { E2B_API_KEY, E2B_DOMAIN, E2B_API_URL, E2B_SANDBOX_URL } = process.env;
  const apiKey = given.apiKey || E2B_API_KEY;
  if (!apiKey) {
    throw new EmberboxError("unauthorized", "There is no API key", {
      hint: "Set E2B_API_KEY, or give `e2b({ apiKey })`.",
    });
  }
  // The message leaves it out: it may be a secret, however malformed.
  if (!KEY.test(apiKey))
    throw new EmberboxError("unauthorized", "The API key has characters that no key has");
  const domain = given.domain || E2B_DOMAIN || "e2b.app";
  if (!HOST.test(domain)) {
    const message = `Expected the \`domain\` option to be a host's name, got \`${domain}\``;
    throw new EmberboxError("invalid_argument", message);
  }
  const sandboxUrl = given.sandboxUrl || E2B_SANDBOX_URL;
  return {
    apiKey,
    domain,
    apiUrl: readUrl("apiUrl", given.apiUrl || E2B_API_URL || `https://api.${domain}`),
    sandboxUrl: sandboxUrl ? readUrl("sandboxUrl", sandboxUrl) : undefined,
    requestTimeoutMs: given.requestTimeoutMs,
    retries: given.retries ?? 3,
  };
}

/** Reads a URL and drops its trailing slash. */
function readUrl(name: string, value: string): string {
  if (!/^https?:$/.test(URL.parse(value)?.protocol ?? "")) {
    const message = `Expected the \`${name}\` option to be an http or https URL, got \`${withoutUser(value)}\``;
    throw new EmberboxError("invalid_argument", message);
  }
  return value.replace(/\/+$/, "");
}
