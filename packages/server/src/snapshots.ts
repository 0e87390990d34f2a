import type { SnapshotInfo } from "@emberbox/core/state";
import type { SandboxProvider } from "@emberbox/core/provider";
import { ApiError, notImplemented } from "./api-error.ts";
import type { Quotas } from "./quotas.ts";
import type { Registry } from "./registry.ts";
import type { SnapshotRow } from "./snapshot-rows.ts";
import type { Store } from "./store.ts";
import type { Templates } from "./templates.ts";
import { type Caller, DEFAULT_TENANT, operator, sees } from "./tenants.ts";

export interface KnownSnapshot extends SnapshotInfo {
  /** The tenant that it belongs to. */
  readonly tenant: string;
}

/** A snapshot that sandboxes can be made from. */
export interface Source {
  /** The provider's name for it. */
  readonly template: string;
  /** Memory of a sandbox made from it, if known. */
  readonly memoryMB: number | undefined;
}

/**
 * The snapshots of all tenants. The provider has a single set of names, so it is told only those of the default tenant;
 * the other tenants' names are rows of the store.
 */
export class Snapshots {
  readonly #provider: SandboxProvider;
  readonly #templates: Templates;
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #quotas: Quotas;

  constructor(
    provider: SandboxProvider,
    templates: Templates,
    store: Store,
    registry: Registry,
    quotas: Quotas,
  ) {
    this.#provider = provider;
    this.#templates = templates;
    this.#store = store;
    this.#registry = registry;
    this.#quotas = quotas;
  }

  /** Records the owners of snapshots that were being made when a server died, while their sandboxes are remembered. */
  async adopt(): Promise<void> {
    for (const { snapshotId, tenant } of await this.list(operator))
      if (tenant !== DEFAULT_TENANT && this.#store.snapshots.get(snapshotId) === undefined)
        this.#store.snapshots.put({ snapshotId, tenant, memoryMB: null });
  }

  /** Makes one of a sandbox that the caller may see; it belongs to the sandbox's tenant. @throws 404 */
  async create(
    caller: Caller,
    sandboxId: string,
    name: string | undefined,
  ): Promise<KnownSnapshot> {
    const create = this.#provider.createSnapshot;
    if (create === undefined) throw notImplemented("making snapshots");
    if (name !== undefined && this.#templates.has(name))
      throw new ApiError(400, `Invalid request: name: "${name}" is the name of a template`);
    const { tenant, info } = await this.#registry.get(caller, sandboxId);
    const told = name !== undefined && tenant === DEFAULT_TENANT ? { name } : {};
    const { snapshots } = this.#store;
    const asked = { snapshots: 1, diskMB: info.memoryMB };
    return this.#quotas.take(tenant, asked, async () => {
      const made = await this.#registry.guard(sandboxId, () =>
        create.call(this.#provider, sandboxId, told),
      );
      const { snapshotId } = made;
      snapshots.put({ snapshotId, tenant, memoryMB: info.memoryMB });
      // Its size is known only now.
      await this.#quotas.check(tenant, "diskMB").catch(async (error: unknown) => {
        await this.#remove(snapshotId);
        throw error;
      });
      if (name !== undefined && tenant !== DEFAULT_TENANT)
        snapshots.setName(tenant, name, snapshotId);
      this.#registry.note(sandboxId, `snapshot ${snapshotId} was made`);
      this.#registry.lifecycle.changed(sandboxId, "sandbox.lifecycle.checkpointed");
      return this.#known(made);
    });
  }

  async list(
    caller: Caller,
    { sandboxId, name }: { sandboxId?: string; name?: string } = {},
  ): Promise<KnownSnapshot[]> {
    const list = this.#provider.listSnapshots;
    if (list === undefined) throw notImplemented("listing snapshots");
    const all = await list.call(this.#provider, sandboxId === undefined ? {} : { sandboxId });
    return all
      .map((info) => this.#known(info))
      .filter(
        ({ tenant, snapshotId, names }) =>
          sees(caller, tenant) &&
          (name === undefined || snapshotId === name || names.includes(name)),
      );
  }

  /** By id or name. False when the caller sees no such snapshot. */
  async delete(caller: Caller, idOrName: string): Promise<boolean> {
    if (this.#provider.deleteSnapshot === undefined) throw notImplemented("deleting snapshots");
    const found = await this.#find(caller, idOrName);
    return found !== undefined && this.#remove(found.snapshotId);
  }

  async #remove(snapshotId: string): Promise<boolean> {
    const isRemoved = (await this.#provider.deleteSnapshot?.(snapshotId)) ?? false;
    this.#store.snapshots.remove(snapshotId);
    return isRemoved;
  }

  /** What the provider is to make a sandbox from; `undefined` when the caller has no such snapshot. */
  source(caller: Caller, idOrName: string): Source | undefined {
    const { snapshots } = this.#store;
    const byId = snapshots.get(idOrName);
    if (byId !== undefined && sees(caller, byId.tenant)) return sourceOf(byId);
    const named = snapshots.named(caller.tenant, idOrName);
    const byName = named === undefined ? undefined : snapshots.get(named);
    if (byName !== undefined) return sourceOf(byName);
    // Everything else that the provider knows is the default tenant's.
    if (byId !== undefined || caller.tenant !== DEFAULT_TENANT) return undefined;
    return { template: idOrName, memoryMB: undefined };
  }

  /** The snapshot with that id, or the caller's own with that name. */
  async #find(caller: Caller, idOrName: string): Promise<KnownSnapshot | undefined> {
    const found = await this.list(caller, { name: idOrName });
    return (
      found.find(({ snapshotId }) => snapshotId === idOrName) ??
      found.find(({ tenant }) => tenant === caller.tenant)
    );
  }

  #known(info: SnapshotInfo): KnownSnapshot {
    const { snapshotId, sandboxId } = info;
    const tenant =
      this.#store.snapshots.get(snapshotId)?.tenant ??
      (sandboxId === undefined ? undefined : this.#store.get(sandboxId)?.tenant) ??
      DEFAULT_TENANT;
    const names =
      tenant === DEFAULT_TENANT ? info.names : this.#store.snapshots.namesOf(tenant, snapshotId);
    return { ...info, tenant, names };
  }
}

function sourceOf({ snapshotId, memoryMB }: SnapshotRow): Source {
  return { template: snapshotId, memoryMB: memoryMB ?? undefined };
}
