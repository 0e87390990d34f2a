import { z } from "zod";
import { ApiError } from "./api-error.ts";
import { tenantName } from "./tenants.ts";

/** What one tenant may have at once. */
export interface Quota {
  /** Running sandboxes. */
  readonly sandboxes?: number | undefined;
  /** Memory of the running ones, in MiB. */
  readonly memoryMB?: number | undefined;
  readonly snapshots?: number | undefined;
  /** What snapshots and paused sandboxes take on disk, in MiB. */
  readonly diskMB?: number | undefined;
}

/** By tenant; `*` applies to each tenant that has no entry of its own. */
export type QuotasOption = Readonly<Record<string, Quota>>;

/** What a tenant has, or asks for. */
export type Amounts = { readonly [Key in keyof Quota]?: number };

const most = z.int().min(0).optional();
export const quotasSchema = z
  .record(
    z.union([z.literal("*"), tenantName]),
    z.strictObject({ sandboxes: most, memoryMB: most, snapshots: most, diskMB: most }),
  )
  .default({})
  .describe("`{ tenant: { sandboxes, memoryMB, snapshots, diskMB } }`, with `*` for all others");

/** When to ask again: a sandbox may end at any time. What is on disk stays. */
const RETRY_AFTER_SECONDS = 1;
const kinds = {
  sandboxes: { label: "sandboxes", unit: "", retryAfter: RETRY_AFTER_SECONDS },
  memoryMB: { label: "memory", unit: " MiB", retryAfter: RETRY_AFTER_SECONDS },
  snapshots: { label: "snapshots", unit: "", retryAfter: undefined },
  diskMB: { label: "disk", unit: " MiB", retryAfter: undefined },
} as const;
export type Kind = keyof typeof kinds;

export type Usage = (tenant: string, kinds: ReadonlySet<Kind>) => Promise<Amounts>;

interface UnderWay {
  readonly amounts: Record<Kind, number>;
  /** How many times work ended, in success or failure. */
  ended: number;
}

/** Holds tenants to their quotas, even when they ask for much at once. */
export class Quotas {
  readonly #quotas: QuotasOption;
  readonly #usage: Usage;
  /** What is being made, by tenant. */
  readonly #underWay = new Map<string, UnderWay>();

  constructor(quotas: QuotasOption, usage: Usage) {
    this.#quotas = quotas;
    this.#usage = usage;
  }

  /**
   * Does work that takes that much more than the tenant has. The amount of disk is an estimate: some must be left, and
   * meanwhile it does not count as free for others.
   * @throws 429 that names the limit and what is in use
   */
  async take<T>(tenant: string, asked: Amounts, work: () => Promise<T>): Promise<T> {
    const limited = this.#limited(tenant, asked);
    if (limited.size === 0) return work();
    const underWay = this.#under(tenant);
    const used = await this.#settledUsage(tenant, limited, underWay);
    // Nothing may happen between the check and the reservation.
    for (const kind of limited) {
      const needed = kind === "diskMB" ? 1 : asked[kind]!;
      this.#demand(tenant, kind, (used[kind] ?? 0) + underWay.amounts[kind], needed);
    }
    for (const kind of limited) underWay.amounts[kind] += asked[kind]!;
    try {
      return await work();
    } finally {
      for (const kind of limited) underWay.amounts[kind] -= asked[kind]!;
      underWay.ended++;
    }
  }

  /** Refuses what has turned out to exceed the quota. @throws 429 */
  async check(tenant: string, kind: Kind): Promise<void> {
    const limited = this.#limited(tenant, { [kind]: 0 });
    if (limited.size === 0) return;
    this.#demand(tenant, kind, (await this.#usage(tenant, limited))[kind] ?? 0, 0);
  }

  /** What is in use, measured while no work in progress ended. */
  async #settledUsage(
    tenant: string,
    limited: ReadonlySet<Kind>,
    underWay: UnderWay,
  ): Promise<Amounts> {
    for (;;) {
      const { ended } = underWay;
      const used = await this.#usage(tenant, limited);
      if (ended === underWay.ended) return used;
    }
  }

  #limited(tenant: string, asked: Amounts): Set<Kind> {
    const quota = this.#quotaOf(tenant);
    const asks = Object.keys(asked) as Kind[];
    return new Set(asks.filter((kind) => asked[kind] !== undefined && quota[kind] !== undefined));
  }

  #demand(tenant: string, kind: Kind, used: number, needed: number): void {
    const limit = this.#quotaOf(tenant)[kind]!;
    if (used + needed <= limit) return;
    const { label, unit, retryAfter } = kinds[kind];
    const more = needed > 1 ? `, and ${needed} more would be needed` : "";
    throw new ApiError(
      429,
      `the quota of ${label} is reached: ${Math.ceil(used)} of ${limit}${unit} are in use${more}`,
      retryAfter,
    );
  }

  #quotaOf(tenant: string): Quota {
    return { ...this.#quotas["*"], ...this.#quotas[tenant] };
  }

  #under(tenant: string): UnderWay {
    const known = this.#underWay.get(tenant);
    if (known !== undefined) return known;
    const amounts = { sandboxes: 0, memoryMB: 0, snapshots: 0, diskMB: 0 };
    const none = { amounts, ended: 0 };
    this.#underWay.set(tenant, none);
    return none;
  }
}
