import { channel } from "node:diagnostics_channel";
import { EmberboxError } from "@emberbox/core";
import type { CreateOptions, Endpoint, EndpointOptions } from "@emberbox/core/provider";
import type { WorkspaceInfo } from "@emberbox/core/workspace";
import { background, warning } from "@emberbox/core/background";
import { untilAborted } from "@emberbox/core/concurrency";
import type { ChannelStream } from "@emberbox/wire";
import type { Agent } from "undici";
import { Activity } from "../machine/activity.ts";
import { channelDispatcher } from "../machine/dispatcher.ts";
import { connectGuest, type Guest, type Identity } from "../machine/guest.ts";
import { explainFailure, lateError, type Machine, machineError } from "../machine/machine.ts";
import { readOnlyView } from "../machine/read-only.ts";
import { patiently } from "../host/patience.ts";
import { WARM_BOOT_MS } from "../template/warm.ts";
import type { Access } from "../network/access.ts";
import { Gateway } from "../network/gateway.ts";
import type { Uplink } from "../network/uplink.ts";
import { type MountedVolume, VolumeChannel } from "../volumes/channel.ts";
import { closeMounts, openMounts } from "../volumes/mounts.ts";
import type { VolumeStore } from "../volumes/store.ts";
import { copiedOf, type Folders } from "../workspaces/folders.ts";
import type { FolderImages } from "../workspaces/store.ts";
import {
  type DiskLayer,
  isWarm,
  type MemoryLayer,
  type Source,
  type Start,
  type StoredLayer,
} from "./source.ts";
import { startFrom, type StartOptions } from "./start.ts";

/** A restored machine with its guest. */
export interface LocalSandbox {
  readonly sandboxId: string;
  /** The token that callers who do not use `endpoint` must show. The machine itself never learns it. */
  readonly accessToken: string | undefined;
  readonly pid: number;
  /** For saving it. */
  readonly machine: Machine;
  readonly guest: Guest;
  readonly source: Source;
  /** Memory layers that it was made from, or last saved as: the next save need not repeat them. */
  savedMemory: readonly StoredLayer<MemoryLayer>[];
  /** Where the layers of its disk are; as many of them as were saved. */
  savedDisk: readonly StoredLayer<DiskLayer>[];
  /** Its way to the outside. */
  readonly gateway: Gateway;
  readonly volumes: VolumeChannel | undefined;
  /** Where what is known of its folders is kept. */
  readonly images: FolderImages;
  /** What came to it that may have changed it. */
  readonly activity: Activity;
  endpoint(port: number, options?: EndpointOptions): Endpoint;
  /** A byte stream to a port inside. Throws when the machine is gone. */
  open(port: number): ChannelStream;
  gone(): EmberboxError | undefined;
  /** Tells the guest again who it is: its clock, randomness and variables. */
  hello(identity: Identity): Promise<void>;
  close(reason: EmberboxError): Promise<void>;
  /** Resolves when the machine is gone, for whatever reason. */
  readonly ended: Promise<unknown>;
}

export interface RestoreOptions extends Omit<StartOptions, "view"> {
  readonly identity: Omit<Identity, "growDisk" | "network" | "volumes" | "workspaces">;
  readonly accessToken: string | undefined;
  readonly access: Access;
  readonly uplink: Uplink;
  /** That of the machine whose place it takes. @default its own */
  readonly gateway?: Gateway | undefined;
  readonly volumeMounts?: CreateOptions["volumeMounts"];
  readonly volumes: VolumeStore;
  readonly workspaces?: readonly WorkspaceInfo[] | undefined;
  readonly folders: Folders;
  readonly signal?: AbortSignal | undefined;
}

/** Tells subscribers of each sandbox's channel: `{ sandboxId, received }`, where `received` keeps counting. */
const channels = channel("emberbox.channel");

const RESTORE_MS = 30_000;
const BOOT_MS = 300_000;
const ENDED = "the sandbox's virtual machine ended";

/** Starts a sandbox from a template, or from what was saved of one. Resolves when the guest has answered. */
export async function restoreSandbox(options: RestoreOptions): Promise<LocalSandbox> {
  options.signal?.throwIfAborted();
  const gateway = options.gateway ?? new Gateway(options.identity.sandboxId, options.uplink);
  gateway.configure(options.access);
  const view = options.jail ? await readOnlyView() : undefined;
  const mounts = await openAllMounts(options);
  const { machine, begun } = await startFrom({ ...options, view }).catch(async (error: unknown) => {
    await closeMounts(mounts);
    throw error;
  });
  let gone: EmberboxError | undefined;
  const onBroken = (error: Error): void => {
    // A channel that was closed or failed belongs to a machine that ended, which says how.
    if ("code" in error) return;
    const what = `the sandbox's agent broke the channel's rules (${error.message}), so its machine was ended`;
    gone ??= new EmberboxError("sandbox_died", what, { cause: error });
    background(machine.kill(), warning("Ending a machine"));
  };
  const guest = connectGuest(machine, onBroken, (stream, port, host) =>
    gateway.accept(stream, port, host),
  );
  const volumes =
    mounts.length > 0 ? new VolumeChannel(machine.volumes, mounts, onBroken) : undefined;
  background(
    machine.ended.then(() => volumes?.close()),
    warning("Closing volumes"),
  );
  if (channels.hasSubscribers)
    channels.publish({ sandboxId: options.identity.sandboxId, received: guest.received });
  const failed = machine.ended.then((end) => {
    throw (gone ??= machineError("sandbox_died", ENDED, end));
  });
  failed.catch(() => {});
  const limit = limitOf(options.source.start);
  const work = begun.then(() => begin(guest, gateway, machine, volumes, options));
  try {
    const ready = untilAborted(Promise.race([work, failed]), options.signal);
    await patiently(machine, limit, ready, () => {
      throw lateError("the sandbox", "did not answer", limit, machine);
    });
  } catch (error) {
    const failure = options.signal?.aborted
      ? (options.signal.reason as unknown)
      : await explainFailure(error, machine, "sandbox_died", ENDED);
    await machine.kill();
    throw options.source.start.how === "resumed" ? refusedState(failure) : failure;
  }
  const dispatcher = channelDispatcher(guest);
  return sandboxOf(options, machine, guest, { gateway, volumes }, dispatcher, {
    get: () => gone,
    set: (reason) => (gone ??= reason),
  });
}

async function openAllMounts(options: RestoreOptions): Promise<MountedVolume[]> {
  const { source, workspaces = [] } = options;
  const mounts = await openMounts(options.volumes, options.volumeMounts, source.mounts);
  try {
    return [...mounts, ...(await options.folders.openLive(workspaces, source.mounts))];
  } catch (error) {
    await closeMounts(mounts);
    throw error;
  }
}

function limitOf(start: Start): number {
  if (start.how !== "booted") return RESTORE_MS;
  return isWarm(start) ? WARM_BOOT_MS : BOOT_MS;
}

async function begin(
  guest: Guest,
  gateway: Gateway,
  machine: Machine,
  volumes: VolumeChannel | undefined,
  options: RestoreOptions,
): Promise<void> {
  // A fresh machine assumes the default network; a saved one remembers another.
  const isUsual = options.access.isUsual && options.uplink.authorities.length === 0;
  const isAssumed = options.source.start.how === "sandbox" && isUsual;
  const identity: Omit<Identity, "growDisk"> = {
    ...options.identity,
    envs: { ...options.identity.envs, ...gateway.envs },
    ...(!isAssumed && { network: gateway.guest }),
    ...(volumes && { volumes: volumes.paths }),
    ...(options.source.workspace && { workspaces: copiedOf(options.workspaces) }),
  };
  const growDisk = options.diskMB > options.source.diskMB;
  if (growDisk) {
    await guest.hello({ ...identity, growDisk: false });
    // The guest remembers the template's size until it is told that the disk has changed.
    await machine.qmp.command("block_resize", {
      "node-name": "overlay",
      size: options.diskMB * 1024 * 1024,
    });
  }
  await guest.hello({ ...identity, growDisk });
}

function sandboxOf(
  { identity: { sandboxId }, accessToken, source, folders: { images } }: RestoreOptions,
  machine: Machine,
  guest: Guest,
  { gateway, volumes }: Pick<LocalSandbox, "gateway" | "volumes">,
  dispatcher: Agent,
  gone: { get(): EmberboxError | undefined; set(reason: EmberboxError): void },
): LocalSandbox {
  const activity = new Activity();
  const watched = activity.watch(dispatcher);
  return {
    sandboxId,
    accessToken,
    activity,
    pid: machine.pid,
    machine,
    guest,
    source,
    gateway,
    volumes,
    images,
    savedMemory: source.start.how === "resumed" ? source.start.memory : [],
    savedDisk: source.layers,
    endpoint: (port, { tls = false } = {}) => ({
      origin: `${tls ? "https" : "http"}://sandbox:${port}`,
      headers: {},
      dispatcher: watched,
    }),
    open: (port) => activity.add(guest.open(port)),
    gone: () => gone.get(),
    hello: (identity) => guest.hello(identity),
    async close(reason) {
      gone.set(reason);
      // First, so that running calls get the reason, not a broken channel.
      const destroyed = dispatcher.destroy(reason);
      await machine.kill();
      await volumes?.close();
      await destroyed;
    },
    ended: machine.ended.then(() => dispatcher.destroy(gone.get() ?? null)),
  };
}

/** QEMU exits when it cannot load a state; the state itself was found undamaged. */
function refusedState(failure: unknown): unknown {
  if (!EmberboxError.isInstance(failure) || !/load of migration failed/.test(failure.message))
    return failure;
  const { message, details } = failure;
  return new EmberboxError("snapshot_incompatible", message, { details, cause: failure });
}
