import { UsageError } from "./failure.ts";

/** Reads keys given as `TENANT=KEY` or alone; returns them by tenant. A plain key may end with `=`, as Base64 does. */
export function readKeys(given: readonly string[]): Record<string, string[]> {
  const tenants = new Map<string, string[]>();
  for (const each of given) {
    const [, tenant = "default", key = each] = /^([^=]*)=(.*[^=].*)$/.exec(each) ?? [];
    // The key is not repeated in the message: it may be a secret.
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(tenant))
      throw new UsageError(
        "A tenant has a name of 1 to 63 letters, digits, `.`, `_` and `-`",
        "Give keys as --api-key TENANT=KEY.",
      );
    tenants.set(tenant, [...(tenants.get(tenant) ?? []), key]);
  }
  return Object.fromEntries(tenants);
}
