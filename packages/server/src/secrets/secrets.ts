import { randomBytes } from "node:crypto";
import { ApiError } from "../api-error.ts";
import type { KnownNetwork } from "../known-network.ts";
import { filled, type Rules, secretsIn } from "./placeholders.ts";
import type { SecretRow, SecretRows } from "./rows.ts";
import type { Vault } from "./vault.ts";

/** What is told of a secret: never its value. */
export type SecretInfo = Omit<SecretRow, "sealed" | "metadata" | "tenant"> & {
  readonly metadata: Readonly<Record<string, string>>;
};

/** Of one tenant. */
const MOST_SECRETS = 1000;

/** Values that only the gateways of sandboxes get to know, in headers that the sandboxes' rules set. */
export class Secrets {
  readonly #rows: SecretRows;
  readonly #vault: Vault;

  constructor(rows: SecretRows, vault: Vault) {
    this.#rows = rows;
    this.#vault = vault;
  }

  /** @throws 409 when the tenant has one of that name, 429 when it has too many */
  create(
    tenant: string,
    { name, value, metadata }: Pick<SecretInfo, "name" | "metadata"> & { value: string },
  ): SecretInfo {
    if (this.#rows.of(tenant).length >= MOST_SECRETS)
      throw new ApiError(429, `There are ${MOST_SECRETS} secrets, which is as many as may be`);
    const secretId = `sec_${randomBytes(10).toString("hex")}`;
    const now = Date.now();
    const row: SecretRow = {
      ...{ secretId, tenant, name, version: 1, createdAt: now, updatedAt: now },
      sealed: this.#vault.seal(about(secretId, 1), value),
      metadata: JSON.stringify(metadata),
    };
    if (!this.#rows.add(row)) throw new ApiError(409, `There is a secret '${name}' already`);
    return infoOf(row);
  }

  /** Metadata that are not given stay. @throws 404 */
  update(
    tenant: string,
    idOrName: string,
    { value, metadata }: { value: string; metadata: SecretInfo["metadata"] | undefined },
  ): SecretInfo {
    const row = this.#find(tenant, idOrName);
    const version = row.version + 1;
    const updated: SecretRow = {
      ...row,
      version,
      updatedAt: Date.now(),
      sealed: this.#vault.seal(about(row.secretId, version), value),
      ...(metadata && { metadata: JSON.stringify(metadata) }),
    };
    this.#rows.update(updated);
    return infoOf(updated);
  }

  /** @throws 404 */
  get(tenant: string, idOrName: string): SecretInfo {
    return infoOf(this.#find(tenant, idOrName));
  }

  list(tenant: string): SecretInfo[] {
    return this.#rows.of(tenant).map(infoOf);
  }

  /** @throws 404 */
  remove(tenant: string, idOrName: string): void {
    this.#rows.remove(this.#find(tenant, idOrName).secretId);
  }

  /** A network as the provider is to have it, with the tenant's values in its rules. @throws 400 that names unknown ones */
  fill(tenant: string, network: KnownNetwork): KnownNetwork {
    const { rules } = network;
    const names = secretsIn(rules);
    if (rules === undefined || names.size === 0) return network;
    const values = this.#valuesOf(tenant, names);
    const unknown = [...names].filter((name) => !values.has(name));
    if (unknown.length > 0)
      throw new ApiError(
        400,
        `Invalid request: network.rules: there is no secret ${unknown.map((name) => `'${name}'`).join(", ")}`,
      );
    return { ...network, rules: filled(rules, (name) => values.get(name)!) };
  }

  /** Keeps a sandbox's rules, if they name secrets, to be filled in anew when it is resumed. */
  keepRules(sandboxId: string, { rules }: KnownNetwork): void {
    const isNeeded = rules !== undefined && secretsIn(rules).size > 0;
    const sealed = isNeeded ? this.#vault.seal(sandboxId, JSON.stringify(rules)) : undefined;
    this.#rows.setRules(sandboxId, sealed);
  }

  /** A copy of a sandbox has its rules. */
  copyRules(from: string, to: string): void {
    const rules = this.#rulesOf(from);
    if (rules !== undefined) this.keepRules(to, { rules });
  }

  /** The rules of a sandbox that name secrets, with their present values; those that are gone are empty. */
  refill(tenant: string, sandboxId: string): { rules: Rules; gone: string[] } | undefined {
    const rules = this.#rulesOf(sandboxId);
    if (rules === undefined) return undefined;
    const names = secretsIn(rules);
    const values = this.#valuesOf(tenant, names);
    return {
      rules: filled(rules, (name) => values.get(name) ?? ""),
      gone: [...names].filter((name) => !values.has(name)),
    };
  }

  #rulesOf(sandboxId: string): Rules | undefined {
    const sealed = this.#rows.rulesOf(sandboxId);
    return sealed && (JSON.parse(this.#vault.open(sandboxId, sealed)) as Rules);
  }

  #valuesOf(tenant: string, names: ReadonlySet<string>): Map<string, string> {
    const values = new Map<string, string>();
    for (const name of names) {
      const row = this.#rows.find(tenant, name);
      // By name only: an id in a placeholder would go on meaning something else.
      if (row?.name === name)
        values.set(name, this.#vault.open(about(row.secretId, row.version), row.sealed));
    }
    return values;
  }

  #find(tenant: string, idOrName: string): SecretRow {
    const row = this.#rows.find(tenant, idOrName.toLowerCase());
    if (row !== undefined) return row;
    throw new ApiError(404, `There is no secret '${idOrName}'`);
  }
}

const about = (secretId: string, version: number): string => `${secretId} ${version}`;

function infoOf({ secretId, name, version, metadata, ...row }: SecretRow): SecretInfo {
  const { createdAt, updatedAt } = row;
  const parsed = JSON.parse(metadata) as Record<string, string>;
  return { secretId, name, version, metadata: parsed, createdAt, updatedAt };
}
