import { randomBytes } from "node:crypto";
import { EmberboxError } from "@emberbox/core";
import type { SandboxSecret } from "@emberbox/core/network";
import { type NamePattern, parsePattern } from "./hosts.ts";
import type { Policy } from "./policy.ts";
import { createTraces, type Traces } from "./traces.ts";

interface Secret {
  readonly name: string;
  readonly placeholder: string;
  /** As Node writes it into a header: one character per byte. */
  readonly value: string;
  readonly hosts: readonly NamePattern[];
}

/** The values that a sandbox's requests carry, and the placeholders that it knows instead. */
export interface Secrets {
  readonly isEmpty: boolean;
  /** Environment variables of the sandbox. */
  readonly envs: Readonly<Record<string, string>>;
  isFor(host: string): boolean;
  /** Replaces placeholders with values in headers, which are names and values in turn. */
  fill(host: string, headers: readonly string[]): string[];
  /** The forms in which a host may send a value back; `undefined` if it gets none. */
  traces(host: string): Traces | undefined;
}

/** @throws `invalid_argument` for a host that is no name, or that the policy refuses */
export function createSecrets(
  given: Readonly<Record<string, SandboxSecret>>,
  policy: Policy,
): Secrets {
  const secrets = Object.entries(given).map(([name, { value, hosts }]): Secret => ({
    name,
    placeholder: `emberbox-secret-${randomBytes(16).toString("hex")}`,
    value: Buffer.from(value).toString("latin1"),
    hosts: hosts.map((host) => readHost(name, host, policy)),
  }));
  const of = (host: string): Secret[] =>
    secrets.filter((secret) => secret.hosts.some((pattern) => pattern.matches(host)));
  // Hosts with the same secrets share them.
  const known: Map<string, Traces> = new Map();
  return {
    isEmpty: secrets.length === 0,
    envs: Object.fromEntries(secrets.map(({ name, placeholder }) => [name, placeholder])),
    isFor: (host) => of(host).length > 0,
    fill(host, headers) {
      const usable = of(host);
      return headers.map((text, index) =>
        index % 2 === 0 ? text : fillHeader(headers[index - 1]!, text, usable),
      );
    },
    traces(host) {
      const used = of(host);
      if (used.length === 0) return undefined;
      const key = used.map(({ name }) => name).join();
      const traces = known.get(key) ?? tracesOf(used);
      known.set(key, traces);
      return traces;
    },
  };
}

function readHost(name: string, host: string, policy: Policy): NamePattern {
  const pattern = parsePattern(host);
  if (!pattern || pattern.text === "*") {
    throw new EmberboxError(
      "invalid_argument",
      `Expected the hosts of the secret ${name} to be host names, got \`${host}\``,
    );
  }
  if (!policy.refusesPattern(pattern)) return pattern;
  throw new EmberboxError(
    "invalid_argument",
    `The secret ${name} is for \`${host}\`, which the \`network\` option refuses`,
    { hint: `Add \`${host}\` to \`network.allowOut\`.` },
  );
}

const CREDENTIALS = /^(basic +)([a-z0-9+/]+={0,2})$/i;

function fillHeader(name: string, text: string, secrets: readonly Secret[]): string {
  const basic = /^(proxy-)?authorization$/i.test(name) ? CREDENTIALS.exec(text) : null;
  if (basic) {
    const pair = Buffer.from(basic[2]!, "base64").toString("latin1");
    const filled = replaceAll(pair, secrets);
    return filled === pair ? text : basic[1]! + Buffer.from(filled, "latin1").toString("base64");
  }
  return replaceAll(text, secrets);
}

function replaceAll(text: string, secrets: readonly Secret[]): string {
  let filled = text;
  for (const { placeholder, value } of secrets)
    filled = filled.replaceAll(placeholder, () => value);
  return filled;
}

function tracesOf(secrets: readonly Secret[]): Traces {
  const longest = Math.max(...secrets.map(({ value }) => value.length));
  return createTraces(
    secrets.flatMap(({ value }) => formsOf(value)),
    longest * LONGEST_FORM - 1,
  );
}

/** In a URL a byte can take three; no other form is longer. */
const LONGEST_FORM = 3;

/** As it is, in JSON, in a URL, and in base64 at each of its three alignments. */
function formsOf(value: string): Buffer[] {
  const bytes = Buffer.from(value, "latin1");
  const text = bytes.toString();
  const json = JSON.stringify(text).slice(1, -1);
  const shifted = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64url");
    // The characters at the ends also hold bits of what is beside it.
    return encoded.slice(
      Math.ceil((shift * 8) / 6),
      encoded.length - ((bytes.length + shift) % 3 === 0 ? 0 : 1),
    );
  });
  const base64 = shifted.flatMap((form) => [form, form.replaceAll("-", "+").replaceAll("_", "/")]);
  const forms = new Set([
    text,
    json,
    json.replaceAll("/", "\\/"),
    encodeURIComponent(text),
    ...base64,
  ]);
  return [...forms].map((form) => Buffer.from(form));
}
