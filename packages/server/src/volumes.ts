import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { SandboxProvider, VolumeFiles } from "@emberbox/core/provider";
import { ApiError, notImplemented } from "./api-error.ts";
import type { Store } from "./store.ts";
import { type Caller, sees } from "./tenants.ts";
import type { VolumeRow } from "./volume-rows.ts";

/** Volumes that a tenant may have: each may fill up to its size. */
const MAX_VOLUMES = 20;

type WithVolumes = SandboxProvider &
  Required<Pick<SandboxProvider, "createVolume" | "deleteVolume" | "volumeFiles">>;

/** The volumes of all tenants. The provider knows them by ids that the server makes; names are rows of the store. */
export class Volumes {
  readonly #provider: SandboxProvider;
  readonly #store: Store;

  constructor(provider: SandboxProvider, store: Store) {
    this.#provider = provider;
    this.#store = store;
  }

  get #able(): WithVolumes {
    if (!this.#provider.capabilities.volumes) throw notImplemented("keeping volumes");
    return this.#provider as WithVolumes;
  }

  /** @throws 409, 429 */
  async create({ tenant }: Caller, name: string): Promise<VolumeRow> {
    const provider = this.#able;
    const rows = this.#store.volumes;
    if (rows.all().filter((row) => row.tenant === tenant).length >= MAX_VOLUMES)
      throw new ApiError(429, `There are ${MAX_VOLUMES} volumes, which is as many as may be`);
    const row = { volumeId: `vol${randomBytes(10).toString("hex")}`, tenant, name };
    if (!rows.add(row)) throw new ApiError(409, `Volume '${name}' already exists`);
    try {
      await provider.createVolume(row.volumeId);
      return row;
    } catch (error) {
      rows.remove(row.volumeId);
      throw error;
    }
  }

  list(caller: Caller): VolumeRow[] {
    void this.#able;
    return this.#store.volumes.all().filter(({ tenant }) => sees(caller, tenant));
  }

  /** @throws 404 */
  find(caller: Caller, volumeId: string): VolumeRow {
    void this.#able;
    const row = this.#store.volumes.get(volumeId);
    if (row === undefined || !sees(caller, row.tenant)) throw notFound(volumeId);
    return row;
  }

  /** @throws 404, and 409 while a sandbox has it mounted */
  async delete(caller: Caller, id: string): Promise<void> {
    const { volumeId } = this.find(caller, id);
    await this.#able.deleteVolume(volumeId);
    this.#store.volumes.remove(volumeId);
  }

  /** What a request mounts, by path, as the provider is told. @throws 400, 404 */
  mounts(
    { tenant }: Caller,
    asked: readonly { readonly name: string; readonly path: string }[],
  ): Record<string, string> {
    void this.#able;
    const entries = asked.map(({ name, path }) => {
      const row = this.#store.volumes.named(tenant, name);
      if (row === undefined) throw notFound(name);
      return [path, row.volumeId] as const;
    });
    const mounts = Object.fromEntries(entries);
    if (Object.keys(mounts).length < asked.length)
      throw new ApiError(400, "Invalid request: volumeMounts: two are at the same path");
    return mounts;
  }

  /** What a sandbox has mounted, in its tenant's words. */
  describe(mounts: Readonly<Record<string, string>> = {}): { name: string; path: string }[] {
    return Object.entries(mounts).map(([path, volumeId]) => ({
      name: this.#store.volumes.get(volumeId)?.name ?? volumeId,
      path,
    }));
  }

  /** Whoever has a volume's token may work on its files. */
  tokenOf(volumeId: string): string {
    return createHmac("sha256", this.#store.seed).update(`volume-${volumeId}`).digest("hex");
  }

  /** @throws 401 */
  files(volumeId: string, token: string): VolumeFiles {
    const expected = Buffer.from(this.tokenOf(volumeId));
    const given = Buffer.from(token);
    const isRight = given.length === expected.length && timingSafeEqual(given, expected);
    if (!isRight || this.#store.volumes.get(volumeId) === undefined)
      throw new ApiError(401, "The volume's token is missing or wrong");
    return this.#able.volumeFiles(volumeId);
  }
}

const notFound = (name: string): ApiError => new ApiError(404, `Volume '${name}' not found`);
