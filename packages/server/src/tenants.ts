import { isEqual } from "@emberbox/core/envd";
import { z } from "zod";

/** Owns everything without another owner: what plain keys make, and what older versions left. */
export const DEFAULT_TENANT = "default";

export const tenantName: z.ZodString = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);

/** Whoever makes a request. */
export interface Caller {
  /** The tenant that owns what it makes. */
  readonly tenant: string;
  /** It sees what all tenants have. */
  readonly isOperator: boolean;
}

/** The operator, and the server itself. */
export const operator: Caller = { tenant: DEFAULT_TENANT, isOperator: true };

export function sees(caller: Caller, tenant: string): boolean {
  return caller.isOperator || caller.tenant === tenant;
}

/** The keys that the server accepts, and whose they are. */
export interface Keyring {
  /** One of the tenants' keys. */
  readonly first: string;
  /** Several tenants share the server, and must not notice each other. */
  readonly isShared: boolean;
  callerOf(key: string): Caller | undefined;
  /** True for any of the keys. */
  readonly has: (text: string) => boolean;
}

export function createKeyring(
  tenants: ReadonlyMap<string, readonly string[]>,
  operatorKey: string | undefined,
): Keyring {
  const known = [...tenants].flatMap(([tenant, keys]) =>
    keys.map((key) => ({ key, caller: { tenant, isOperator: false } as Caller })),
  );
  const first = known[0]!.key;
  if (operatorKey !== undefined) known.push({ key: operatorKey, caller: operator });
  const keys = new Set(known.map(({ key }) => key));
  return {
    first,
    has: (text) => keys.has(text),
    isShared: tenants.size > 1,
    callerOf(given) {
      let found: Caller | undefined;
      // All are compared, so that the time reveals nothing.
      for (const { key, caller } of known) if (isEqual(given, key)) found = caller;
      return found;
    },
  };
}
