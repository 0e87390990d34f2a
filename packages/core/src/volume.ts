import { providerOf } from "./default-provider.ts";
import { EmberboxError } from "./errors.ts";
import type { SandboxProvider, SignalOptions } from "./provider.ts";
import type { ProviderOptions } from "./sandbox-options.ts";
import { unsupported } from "./state.ts";
import {
  type CreateVolumeOptions,
  type ListVolumeOptions,
  parseCreateVolume,
  parseListVolume,
  parseVolumeId,
  parseVolumeMetadata,
  parseVolumeName,
  parseVolumePath,
  parseVolumeWrite,
  type VolumeEntry,
  type VolumeFiles,
  type VolumeInfo,
  type VolumeMetadata,
  type VolumeWriteOptions,
} from "./volume-options.ts";

/** The most that `readFile` returns at once, in bytes; more is for `readStream`. */
const MAX_READ = 256 * 1024 * 1024;

/**
 * A directory that outlives sandboxes. Several of them may have it mounted at once (`volumeMounts` of
 * `Sandbox.create`), and its files can be worked on without any. Paths begin with `/`, which is the volume's root.
 */
export class Volume {
  readonly volumeId: string;
  readonly name: string;
  readonly #files: VolumeFiles;

  /** Use `Volume.create` or `Volume.connect`. */
  constructor({ volumeId, name }: VolumeInfo, files: VolumeFiles) {
    this.volumeId = volumeId;
    this.name = name;
    this.#files = files;
  }

  /** Makes an empty volume. @throws `volume_exists`, `unsupported` */
  static async create(
    name: string,
    { provider, ...given }: CreateVolumeOptions & ProviderOptions = {},
  ): Promise<Volume> {
    const options = parseCreateVolume(given);
    const by = await volumesOf({ provider });
    return new Volume(...(await withFiles(by, by.createVolume(parseVolumeName(name), options))));
  }

  /** A volume that is there. @throws `volume_not_found`, `unsupported` */
  static async connect(volumeId: string, options?: ProviderOptions): Promise<Volume> {
    const by = await volumesOf(options);
    return new Volume(...(await withFiles(by, by.getVolume(parseVolumeId(volumeId)))));
  }

  /** @throws `volume_not_found`, `unsupported` */
  static async getInfo(volumeId: string, options?: ProviderOptions): Promise<VolumeInfo> {
    return (await volumesOf(options)).getVolume(parseVolumeId(volumeId));
  }

  /** The provider's volumes, by name. @throws `unsupported` */
  static async list(options?: ProviderOptions): Promise<VolumeInfo[]> {
    return (await volumesOf(options)).listVolumes();
  }

  /** Removes a volume with all that is in it. Resolves to false when there is none. @throws `volume_in_use` */
  static async destroy(volumeId: string, options?: ProviderOptions): Promise<boolean> {
    return (await volumesOf(options)).deleteVolume(parseVolumeId(volumeId));
  }

  /** What is in a directory, by path. @throws `file_not_found`, `volume_not_found`, as all others do */
  async list(path: string, options?: ListVolumeOptions): Promise<VolumeEntry[]> {
    return this.#files.list(parseVolumePath(path), parseListVolume(options));
  }

  /** @throws `file_exists`, unless `force` is given */
  async makeDir(path: string, options?: VolumeWriteOptions): Promise<VolumeEntry> {
    return this.#files.makeDir(parseVolumePath(path), parseVolumeWrite(options));
  }

  /** What is at a path. @throws `file_not_found` */
  async getInfo(path: string): Promise<VolumeEntry> {
    return this.#files.getInfo(parseVolumePath(path));
  }

  /** Whether there is something at a path. */
  async exists(path: string): Promise<boolean> {
    try {
      await this.getInfo(path);
      return true;
    } catch (error) {
      if (EmberboxError.isInstance(error) && error.code === "file_not_found") return false;
      throw error;
    }
  }

  /** Sets permissions. @throws `unsupported` for an owner that the provider's volumes do not know */
  async updateMetadata(path: string, metadata: VolumeMetadata): Promise<VolumeEntry> {
    return this.#files.updateMetadata(parseVolumePath(path), parseVolumeMetadata(metadata));
  }

  /** A file as a text. @throws `file_too_large` above 256 MiB */
  readFile(path: string, options?: SignalOptions & { format?: "text" }): Promise<string>;
  /** A file as bytes. @throws `file_too_large` above 256 MiB */
  readFile(path: string, options: SignalOptions & { format: "bytes" }): Promise<Uint8Array>;
  /** A file as a stream. */
  readFile(
    path: string,
    options: SignalOptions & { format: "stream" },
  ): Promise<ReadableStream<Uint8Array>>;
  async readFile(
    path: string,
    { format = "text", ...options }: SignalOptions & { format?: "text" | "bytes" | "stream" } = {},
  ): Promise<string | Uint8Array | ReadableStream<Uint8Array>> {
    const stream = await this.#files.readFile(parseVolumePath(path), options);
    if (format === "stream") return stream;
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of stream) {
      length += part.length;
      if (length > MAX_READ)
        throw new EmberboxError("file_too_large", `${path} is larger than ${MAX_READ} bytes`);
      parts.push(part);
    }
    const bytes = Buffer.concat(parts);
    return format === "text" ? bytes.toString() : bytes;
  }

  /** Writes a file; it is there once all of it is, in the place of what was there. @throws `disk_full` */
  async writeFile(
    path: string,
    data: string | Uint8Array | AsyncIterable<Uint8Array>,
    options?: VolumeWriteOptions,
  ): Promise<VolumeEntry> {
    return this.#files.writeFile(parseVolumePath(path), partsOf(data), parseVolumeWrite(options));
  }

  /** Removes a file, or a directory with all that is in it. @throws `file_not_found` */
  async remove(path: string): Promise<void> {
    await this.#files.remove(parseVolumePath(path));
  }
}

type WithVolumes = SandboxProvider &
  Required<
    Pick<
      SandboxProvider,
      "createVolume" | "listVolumes" | "getVolume" | "deleteVolume" | "volumeFiles"
    >
  >;

async function volumesOf(options?: ProviderOptions): Promise<WithVolumes> {
  const provider = await providerOf(options);
  if (!provider.capabilities.volumes) throw unsupported(provider, "keep volumes");
  return provider as WithVolumes;
}

async function withFiles(
  provider: WithVolumes,
  found: Promise<VolumeInfo>,
): Promise<[VolumeInfo, VolumeFiles]> {
  const info = await found;
  return [info, provider.volumeFiles(info.volumeId)];
}

async function* partsOf(
  data: string | Uint8Array | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (typeof data === "string") yield Buffer.from(data);
  else if (data instanceof Uint8Array) yield data;
  else yield* data;
}
