import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { EmberboxError } from "@emberbox/core";
import { background, warning } from "@emberbox/core/background";
import { untilAborted, within } from "@emberbox/core/concurrency";
import { freezeFlags } from "@emberbox/wire";
import { copySparse } from "../host/copy-sparse.ts";
import { syncDirectory, writeNew } from "../host/durable.ts";
import type { SummedFile } from "../host/summed-file.ts";
import { unfinished } from "../host/unfinished.ts";
import { descriptors } from "../machine/arguments.ts";
import { letJailRead } from "../machine/files.ts";
import { openGuestMemory } from "../memory/guest-memory.ts";
import { saveLayer, writePages } from "../memory/save-layer.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import { hasBlankMemory, type MemoryLayer } from "../restore/source.ts";
import { pathsOf } from "../template/template.ts";
import { baseFiles, keepBase } from "./base.ts";
import { keepFolders } from "./folders.ts";
import { copyDisk, keepDiskLayers, keepMemoryLayers } from "./layers.ts";
import { FORMAT, type Manifest, type SavedMemory, writeManifest } from "./manifest.ts";

export interface SaveOptions {
  /** Where to save it; what is there afterwards is complete. */
  readonly target: string;
  readonly keepMemory: boolean;
  /** Whether it is to outlive a power failure, some time after the save. */
  readonly isKept: boolean;
  /** Whether the machine continues; after a failure it always does. */
  readonly after: "continue" | "end";
  /** Memory becomes one file that copies can map: a save takes longer, and a copy is there sooner. @default false */
  readonly isFlat?: boolean | undefined;
  /** What is on its disk is shared with what is saved of it later; copies of it look through more files. @default false */
  readonly sharesDisk?: boolean;
  readonly details: Pick<
    Manifest,
    | "accessToken"
    | "checkpoint"
    | "startedAt"
    | "options"
    | "defaults"
    | "start"
    | "qemuStamp"
    | "qemu"
  >;
  readonly signal?: AbortSignal | undefined;
}

const HOLD_MS = 30_000;
/** Usually it is less than 1 MiB. */
const MAX_STATE_BYTES = 64 * 1024 * 1024;

/** Saves a running machine. @throws `host_disk_full`, `timeout` */
export async function saveSandbox(sandbox: LocalSandbox, options: SaveOptions): Promise<Manifest> {
  const parent = dirname(options.target);
  const building = unfinished(parent, "new");
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await mkdir(building, { mode: 0o700 });
  try {
    const saved = await whileStill(sandbox, options, async () => {
      const manifest = await write(sandbox, building, options);
      options.signal?.throwIfAborted();
      await rename(building, options.target);
      return manifest;
    });
    // Nobody waits for the disk: until then what was saved outlives this program, but not a power failure, and checksums
    // would tell.
    if (options.isKept)
      background(syncDirectory(options.target), warning("Writing what was saved to the disk"));
    return saved;
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    throw new EmberboxError(
      "host_disk_full",
      `there is no space in ${parent} to save the sandbox`,
      {
        cause: error,
      },
    );
  }
}

/** Does work while the machine is stopped, with nothing in flight in either direction. */
async function whileStill<T>(
  { guest, machine, volumes }: LocalSandbox,
  { keepMemory, after, isFlat, signal }: SaveOptions,
  work: () => Promise<T>,
): Promise<T> {
  let isStopped = false;
  let isSaved = false;
  try {
    // A paused machine and a template can be booted from their disks alone, so none of their files may be in memory only.
    const sync = !keepMemory || after === "end" || isFlat ? freezeFlags.sync : 0;
    const tidy = isFlat ? freezeFlags.tidy : 0;
    // Programs stand still once their calls have been answered, those to volumes too.
    const frozen = guest.freeze(freezeFlags.processes | sync | tidy).then(() => volumes?.freeze());
    await holdStill(frozen, signal);
    await machine.qmp.command("stop");
    isStopped = true;
    const result = await work();
    isSaved = true;
    return result;
  } finally {
    if (!isSaved || after === "continue") {
      if (isStopped) await machine.qmp.command("cont").catch(() => {});
      volumes?.thaw();
      guest.thaw();
    }
  }
}

async function holdStill(freezing: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const late = (): never => {
    throw new EmberboxError("timeout", `the sandbox did not hold still within ${HOLD_MS / 1000} s`);
  };
  await within(HOLD_MS, untilAborted(freezing, signal), late, { ref: false });
}

async function write(
  sandbox: LocalSandbox,
  directory: string,
  { keepMemory, isFlat = false, sharesDisk = false, details, target }: SaveOptions,
): Promise<Manifest> {
  const { machine, source } = sandbox;
  const id = randomBytes(8).toString("hex");
  // The device state comes first: writing it makes QEMU write out what it holds of the disk.
  const state = keepMemory ? await saveDevices(sandbox, directory) : undefined;
  const base = join(directory, "base");
  await mkdir(base, { mode: 0o700 });
  const [memory, disk, , folders] = await Promise.all([
    state &&
      (isFlat
        ? saveFlat(sandbox, base, state)
        : saveMemory(sandbox, directory, target, `memory-${id}`, state)),
    saveDisk(sandbox, directory, target, sharesDisk ? details.options.diskMB : undefined),
    keepBase(base, source.template, machine.files, {
      withRam: !isFlat && !hasBlankMemory(source),
      booted: source.start.how === "booted",
    }),
    keepFolders(base, sandbox, details.options.workspaces),
  ]);
  const { template } = source;
  const home = template.home ?? pathsOf(template);
  const manifest: Manifest = {
    ...details,
    format: FORMAT,
    createdAt: new Date().toISOString(),
    sandboxId: sandbox.sandboxId,
    architecture: template.shape.architecture,
    accelerator: template.shape.accelerator,
    templateKey: template.key,
    imageDigest: template.image.digest,
    kernelArguments: template.kernelArguments,
    readOnlyRam: template.readOnlyRam,
    base: isFlat ? { ...home, ram: join(target, "base", baseFiles.ram) } : home,
    memory,
    disk,
    mounts: keepMemory ? sandbox.volumes?.save() : undefined,
    folders,
  };
  await writeManifest(directory, manifest);
  return manifest;
}

async function saveDevices({ machine }: LocalSandbox, directory: string): Promise<SummedFile> {
  const saved = `/proc/self/fd/${machine.files.save!}`;
  const before = (await stat(saved)).size;
  await machine.qmp.command("xen-save-devices-state", {
    filename: `/dev/fdset/${descriptors.save}`,
    live: false,
  });
  if ((await stat(saved)).size - before > MAX_STATE_BYTES)
    throw new EmberboxError("sandbox_died", "QEMU's device state is too large to be one");
  // QEMU truncates the file and writes on at its old offset: what came before is a hole now.
  const bytes = (await readFile(saved)).subarray(before);
  await writeNew(join(directory, "state"), bytes);
  return { name: "state", bytes: bytes.length, sum: crc32(bytes) };
}

async function saveMemory(
  sandbox: LocalSandbox,
  directory: string,
  target: string,
  name: string,
  state: SummedFile,
): Promise<SavedMemory> {
  const { machine, source } = sandbox;
  const below = await keepMemoryLayers(sandbox.savedMemory, directory);
  await using memory = await openGuestMemory(machine.pid, machine.files.ram!);
  const bytes = await saveLayer(
    join(directory, name),
    memory,
    await memory.changed(),
    below.map(({ path }) => path),
  );
  const layer: MemoryLayer = { name, home: join(target, name), bytes };
  const over = hasBlankMemory(source) ? "nothing" : "template";
  sandbox.savedMemory = [...below, { path: layer.home, layer }];
  return { state, over, layers: [...below.map(({ layer: each }) => each), layer] };
}

/** All of the memory in one file, in the place of the template's. */
async function saveFlat(
  { machine }: LocalSandbox,
  base: string,
  state: SummedFile,
): Promise<SavedMemory> {
  const path = join(base, baseFiles.ram);
  await using memory = await openGuestMemory(machine.pid, machine.files.ram!);
  await copySparse(`/proc/${process.pid}/fd/${machine.files.ram!}`, path);
  await writePages(path, memory, await memory.changed());
  await letJailRead(path);
  return { state, over: "template", layers: [] };
}

/** With `diskMB`, what is worth it becomes a layer. */
async function saveDisk(
  sandbox: LocalSandbox,
  directory: string,
  target: string,
  diskMB: number | undefined,
): Promise<Manifest["disk"]> {
  const { disk } = sandbox.machine;
  const addsLayer = diskMB !== undefined && (await disk.isWorthLayer());
  if (addsLayer) await disk.addLayer(diskMB * 1024 * 1024);
  sandbox.savedDisk = await keepDiskLayers(sandbox.savedDisk, disk.layers, directory, target);
  const layers = sandbox.savedDisk.map(({ layer }) => layer);
  if (addsLayer) return layers;
  return [...layers, (await copyDisk(disk.top, directory, target)).layer];
}
