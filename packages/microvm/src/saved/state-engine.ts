import { randomBytes } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import type { NetworkCeiling } from "@emberbox/core/network";
import type { SnapshotInfo } from "@emberbox/core/state";
import type { Architecture } from "../host/architecture.ts";
import { newSandboxId } from "../host/ids.ts";
import { programStamp, qemuFullVersion } from "../host/programs.ts";
import { unfinished } from "../host/unfinished.ts";
import { Access } from "../network/access.ts";
import type { Uplink } from "../network/uplink.ts";
import type { ResolvedCreateOptions } from "../restore/create-options.ts";
import { factsOf } from "../template/warm.ts";
import type { MachineShape } from "../machine/arguments.ts";
import { type LocalSandbox, restoreSandbox } from "../restore/sandbox.ts";
import type { VolumeStore } from "../volumes/store.ts";
import type { Folders } from "../workspaces/folders.ts";
import { checkCompatible, loadSource, type LoadOptions } from "./load.ts";
import type { CheckpointNote, Manifest } from "./manifest.ts";
import { openPaused } from "./paused.ts";
import { saveSandbox } from "./save.ts";
import {
  checkSnapshotName,
  openSnapshots,
  type Snapshot,
  snapshotInfo,
  type SnapshotStore,
} from "./snapshots.ts";

/** What is saved of a sandbox besides its machine. */
export interface SandboxDetails {
  readonly startedAt: string;
  readonly options: Omit<ResolvedCreateOptions, "signal">;
  readonly defaults?: Manifest["defaults"];
  readonly start?: Manifest["start"];
}

/** Saves sandboxes to disk, and makes sandboxes from what was saved. */
export interface StateEngine {
  /** Saves a sandbox whose machine then stands still, to be closed. On failure, the machine keeps running. */
  pause(
    sandbox: LocalSandbox,
    details: SandboxDetails,
    options: Stoppable & { keepMemory: boolean },
  ): Promise<void>;
  /** Resolves to `undefined` when no such sandbox is paused. */
  resume(
    sandboxId: string,
    options: Stoppable & {
      reboot: boolean;
      /** What this program knows of its network, including secrets, which are not on disk. */
      access?: Access | undefined;
      /** Replaces the ceiling that it had. */
      networkCeiling?: NetworkCeiling | undefined;
    },
  ): Promise<{ sandbox: LocalSandbox; details: SandboxDetails } | undefined>;
  snapshot(
    sandbox: LocalSandbox,
    details: SandboxDetails,
    options: Stoppable & {
      name?: string | undefined;
      /** Where to. @default the snapshots */
      store?: SnapshotStore | undefined;
      isFlat?: boolean | undefined;
    },
  ): Promise<SnapshotInfo>;
  /** A new sandbox from a snapshot. */
  create(snapshot: Snapshot, options: ResolvedCreateOptions): Promise<LocalSandbox>;
  /** A new sandbox that boots from a snapshot's disk, as another machine, and warms everything up. */
  boot(
    snapshot: Snapshot,
    options: ResolvedCreateOptions,
    accelerator: MachineShape["accelerator"],
  ): Promise<LocalSandbox>;
  /** Whether this machine can go on from a snapshot. */
  runs(snapshot: Snapshot): Promise<boolean>;
  /** Saves a sandbox, which keeps running, as a point to go back to. */
  checkpoint(
    sandbox: LocalSandbox,
    details: SandboxDetails,
    options: Stoppable & { target: string; note: CheckpointNote },
  ): Promise<Manifest>;
  /** What is to take a sandbox's place: its machine as it was at a checkpoint. The sandbox itself keeps running. */
  rollback(
    sandbox: LocalSandbox,
    checkpoint: Snapshot,
    options: Stoppable & { access: Access },
  ): Promise<LocalSandbox>;
  /** New sandboxes of what was saved; in place of one that failed, the error. */
  branch(
    checkpoint: Snapshot,
    options: ResolvedCreateOptions,
    count: number,
  ): Promise<(LocalSandbox | EmberboxError)[]>;
  /** Copies of a sandbox, which itself keeps running; in place of a copy that failed, the error. */
  fork(
    sandbox: LocalSandbox,
    details: SandboxDetails,
    options: Stoppable & { count: number },
  ): Promise<(LocalSandbox | EmberboxError)[]>;
}

interface Stoppable {
  readonly signal?: AbortSignal | undefined;
}

export interface StateEngineOptions {
  readonly root: string;
  readonly run: string;
  /** Of the machines that QEMU runs. */
  readonly architecture: Architecture;
  readonly qemu: string;
  readonly jail: boolean;
  readonly uplink: Uplink;
  readonly volumes: VolumeStore;
  readonly folders: Folders;
}

/** What a machine takes besides its changed pages of memory, in bytes. */
const MACHINE_BYTES = 96 * 1024 * 1024;
const FORKS_AT_ONCE = 4;

export function createStateEngine({
  root,
  architecture,
  ...host
}: StateEngineOptions): StateEngine {
  const {
    qemu,
    folders: { images },
  } = host;
  const paused = openPaused(root);
  const snapshots = openSnapshots(root);
  let version: Promise<string> | undefined;
  const qemuVersion = (): Promise<string> => (version ??= qemuFullVersion(qemu));
  const installed = { stamp: () => programStamp(qemu), version: qemuVersion };
  const detailsOf = async (details: SandboxDetails) => ({
    ...details,
    qemuStamp: await programStamp(qemu),
    qemu: await qemuVersion(),
  });
  const load = (
    directory: string,
    manifest: Manifest,
    options: Pick<LoadOptions, "reboot" | "as" | "diskMB" | "anew">,
  ) => loadSource(directory, manifest, { ...options, architecture, qemu: installed, images });
  const make = async (
    directory: string,
    manifest: Manifest,
    {
      create,
      anew,
      signal,
    }: Stoppable & Pick<LoadOptions, "anew"> & { create: ResolvedCreateOptions },
  ): Promise<LocalSandbox> => {
    const { diskMB, envs, template, access, volumeMounts, workspaces, folderImage } = create;
    const reboot = anew !== undefined;
    const saved = await load(directory, manifest, { reboot, as: "copy", diskMB, anew });
    const source = { ...saved, workspace: saved.workspace ?? folderImage };
    const identity = {
      sandboxId: newSandboxId(),
      templateId: template,
      envs,
    };
    const accessToken = randomBytes(32).toString("hex");
    const who = { identity, accessToken, access, volumeMounts, workspaces };
    return restoreSandbox({ ...host, ...who, source, diskMB, signal });
  };
  const copies = async (
    directory: string,
    manifest: Manifest,
    { count, ...how }: Stoppable & { create: ResolvedCreateOptions; count: number },
  ): Promise<(LocalSandbox | EmberboxError)[]> => {
    await checkMemory(count, manifest);
    const made: (LocalSandbox | EmberboxError)[] = [];
    while (made.length < count) {
      const batch = Math.min(FORKS_AT_ONCE, count - made.length);
      const begin = (): Promise<LocalSandbox | EmberboxError> =>
        make(directory, manifest, how).catch(asError);
      made.push(...(await Promise.all(Array.from({ length: batch }, begin))));
    }
    return made;
  };

  return {
    async pause(sandbox, details, { keepMemory, signal }) {
      await paused.clear(sandbox.sandboxId);
      await saveSandbox(sandbox, {
        target: paused.directoryOf(sandbox.sandboxId),
        keepMemory,
        isKept: true,
        after: "end",
        details: { ...(await detailsOf(details)), accessToken: sandbox.accessToken },
        signal,
      });
    },
    resume: (sandboxId, { reboot, access: known, networkCeiling, signal }) =>
      paused.take(
        sandboxId,
        async (directory, manifest) => {
          const { diskMB, envs, template, volumeMounts, workspaces } = manifest.options;
          const source = await load(directory, manifest, { reboot, as: "same", diskMB });
          const { accessToken } = manifest;
          const identity = { sandboxId, templateId: template, envs };
          const access =
            known !== undefined && networkCeiling !== undefined
              ? known.below(networkCeiling)
              : (known ?? Access.kept(manifest.options.access, networkCeiling));
          const sandbox = await restoreSandbox({
            ...host,
            source,
            diskMB,
            identity,
            accessToken,
            access,
            volumeMounts,
            workspaces,
            signal,
          });
          const { startedAt, options } = manifest;
          return { sandbox, details: { startedAt, options: { ...options, access } } };
        },
        signal,
      ),
    async snapshot(sandbox, details, { name, store = snapshots, isFlat, signal }) {
      if (name !== undefined) checkSnapshotName(name);
      const snapshotId = store.newId();
      const manifest = await saveSandbox(sandbox, {
        target: store.directoryOf(snapshotId),
        isFlat,
        keepMemory: true,
        isKept: true,
        after: "continue",
        sharesDisk: store === snapshots,
        details: await detailsOf(details),
        signal,
      });
      if (name !== undefined) await store.name(snapshotId, name);
      return snapshotInfo(snapshotId, name === undefined ? [] : [name], manifest);
    },
    create: (snapshot, create) =>
      make(snapshot.directory, snapshot.manifest, { create, signal: create.signal }),
    async boot({ directory, manifest }, create, accelerator) {
      const { memoryMB, cpuCount, signal } = create;
      const shape = { architecture, accelerator, memoryMB, cpuCount };
      const anew = { shape, ...(await factsOf(shape, qemu)) };
      return make(directory, manifest, { create, anew, signal });
    },
    runs: ({ directory, manifest }) =>
      checkCompatible(directory, manifest, installed).then(
        () => true,
        (error: unknown) => {
          if (EmberboxError.isInstance(error)) return false;
          throw error;
        },
      ),
    async checkpoint(sandbox, details, { target, note, signal }) {
      const saved = { ...(await detailsOf(details)), checkpoint: note };
      const how = { keepMemory: true, isKept: true, after: "continue", sharesDisk: true } as const;
      return saveSandbox(sandbox, { ...how, target, details: saved, signal });
    },
    async rollback({ sandboxId, accessToken, gateway }, { directory, manifest }, options) {
      await checkMemory(1, manifest);
      const { diskMB, envs, template, volumeMounts, workspaces } = manifest.options;
      const source = await load(directory, manifest, { reboot: false, as: "copy", diskMB });
      const identity = { sandboxId, templateId: template, envs };
      const who = { identity, accessToken, volumeMounts, workspaces, gateway };
      return restoreSandbox({ ...host, ...who, ...options, source, diskMB });
    },
    branch: ({ directory, manifest }, create, count) =>
      copies(directory, manifest, { create, count, signal: create.signal }),
    async fork(sandbox, details, { count, signal }) {
      const target = unfinished(join(root, "forks"), "gone");
      try {
        const manifest = await saveSandbox(sandbox, {
          target,
          keepMemory: true,
          isKept: false,
          after: "continue",
          sharesDisk: true,
          details: await detailsOf(details),
          signal,
        });
        return await copies(target, manifest, { create: details.options, count, signal });
      } finally {
        await rm(target, { recursive: true, force: true });
      }
    },
  };
}

/** Copies of a large sandbox can take more memory than there is, and that would end other programs too. */
async function checkMemory(count: number, { memory }: Manifest): Promise<void> {
  const pages = memory!.layers.reduce((sum, { bytes }) => sum + bytes, 0);
  const needed = count * (pages + MACHINE_BYTES);
  const meminfo = await readFile("/proc/meminfo", "utf8");
  const available = Number(/MemAvailable:\s+(\d+) kB/.exec(meminfo)?.[1] ?? Infinity) * 1024;
  if (needed <= available) return;
  const [needs, has] = [needed, available].map((bytes) => Math.round(bytes / 1024 / 1024));
  throw new EmberboxError(
    "host_out_of_memory",
    `${count} copies need ${needs} MiB of memory; this machine has ${has} MiB`,
  );
}

function asError(error: unknown): EmberboxError {
  if (EmberboxError.isInstance(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new EmberboxError("boot_failed", `the copy could not be started: ${message}`, {
    cause: error,
  });
}
