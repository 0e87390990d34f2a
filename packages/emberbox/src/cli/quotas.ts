import type { ServeOptions } from "@emberbox/server";
import { UsageError } from "./failure.ts";

type Quotas = NonNullable<ServeOptions["quotas"]>;

const fields = new Map([
  ["sandboxes", "sandboxes"],
  ["memory", "memoryMB"],
  ["snapshots", "snapshots"],
  ["disk", "diskMB"],
]);

/** Reads `TENANT=sandboxes:10,memory:8192`; without a tenant, it applies to all that have no quota of their own. */
export function readQuotas(given: readonly string[]): Quotas {
  const quotas: Record<string, Record<string, number>> = {};
  for (const each of given) {
    const [, tenant = "*", list = ""] =
      /^(?:([A-Za-z0-9][A-Za-z0-9._-]{0,62})=)?(.+)$/.exec(each) ?? [];
    const quota = (quotas[tenant] ??= {});
    for (const part of list.split(",")) {
      const [, name = "", amount = ""] = /^([a-z]+):(\d{1,9})$/.exec(part) ?? [];
      const field = fields.get(name);
      if (field === undefined)
        throw new UsageError(
          `--quota: \`${part}\` is none of sandboxes:N, memory:MIB, snapshots:N and disk:MIB`,
          "For example --quota red=sandboxes:10,memory:8192, or without `red=` for each tenant.",
        );
      quota[field] = Number(amount);
    }
  }
  return quotas;
}
