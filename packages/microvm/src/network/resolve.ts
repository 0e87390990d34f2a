import { Resolver } from "node:dns/promises";

/** Finds the addresses of names. */
export interface NameResolver {
  /** @throws `NoSuchName`; another error when the lookup failed */
  resolve(name: string): Promise<readonly string[]>;
}

export class NoSuchName extends Error {}

const TIMEOUT_MS = 3000;
const TRIES = 2;
/** How long an answer is used, in ms: a program looks up a name and connects to it a moment later. */
const KEPT_MS = 5000;
const MAX_KEPT = 512;
const MAX_ADDRESSES = 16;

/** Asks the host's name servers, or those given, without the host's own table of names. */
export function createResolver(servers: readonly string[] | undefined): NameResolver {
  // Not `lookup`: that takes one of the few threads that this program's file access needs too.
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers) resolver.setServers(servers);
  const kept: Map<string, { readonly until: number; readonly found: Promise<readonly string[]> }> =
    new Map();
  return {
    resolve(name) {
      const known = kept.get(name);
      if (known && known.until > Date.now()) return known.found;
      kept.delete(name);
      if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value!);
      const found = resolveBoth(resolver, name);
      found.catch(() => {});
      kept.set(name, { until: Date.now() + KEPT_MS, found });
      return found;
    },
  };
}

async function resolveBoth(resolver: Resolver, name: string): Promise<readonly string[]> {
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = answers.flatMap((answer) =>
    answer.status === "fulfilled" ? answer.value : [],
  );
  if (addresses.length > 0) return addresses.slice(0, MAX_ADDRESSES);
  const codes = answers.map((answer) =>
    answer.status === "rejected" ? (answer.reason as NodeJS.ErrnoException).code : "",
  );
  const isAnswer = codes.every((code) => code === "ENOTFOUND" || code === "ENODATA");
  if (isAnswer) throw new NoSuchName(`there is no name ${name}`);
  throw new Error(`the name servers did not answer for ${name} (${codes.join(", ")})`);
}
