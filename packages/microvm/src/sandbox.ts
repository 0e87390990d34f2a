import { EmberboxError, type Endpoint, type SandboxInfo } from "@emberbox/core";
import type { Agent } from "undici";
import { channelDispatcher } from "./dispatcher.ts";
import { descriptors, machineArguments } from "./machine/arguments.ts";
import { openFiles, openOverlay } from "./machine/files.ts";
import { connectGuest, type Guest, type Identity } from "./machine/guest.ts";
import { explainFailure, type Machine, machineError, startMachine } from "./machine/machine.ts";
import { IMAGE_DISK_MB, type ResolvedCreateOptions } from "./options.ts";
import type { Template } from "./template/template.ts";

/** A restored machine with its guest. */
export interface LocalSandbox {
  readonly sandboxId: string;
  readonly pid: number;
  readonly startedAt: Date;
  endpoint(port: number): Endpoint;
  gone(): Error | undefined;
  /** Tells the guest anew who it is: its clock, randomness and variables. */
  hello(identity: Identity): Promise<void>;
  close(reason: EmberboxError): Promise<void>;
  /** Resolves when the machine is gone, for whatever reason. */
  readonly ended: Promise<unknown>;
}

export interface RestoreOptions {
  readonly template: Template;
  readonly qemu: string;
  readonly jail: boolean;
  readonly run: string;
  readonly diskMB: number;
  /** An empty overlay of `diskMB`. */
  readonly overlay: string;
  readonly identity: Omit<Identity, "growDisk">;
  readonly signal?: AbortSignal | undefined;
}

const RESTORE_MS = 30_000;

/** Restores a template as a new sandbox. Resolves when the guest has answered. */
export async function restoreSandbox(options: RestoreOptions): Promise<LocalSandbox> {
  options.signal?.throwIfAborted();
  const machine = startRestoring(options);
  let gone: EmberboxError | undefined;
  const guest = connectGuest(machine, () => {});
  const failed = machine.ended.then((end) => {
    throw (gone ??= machineError("sandbox_died", "the sandbox's virtual machine ended", end));
  });
  failed.catch(() => {});
  try {
    await within(
      RESTORE_MS,
      options.signal,
      Promise.race([begin(guest, machine, options), failed]),
    );
  } catch (error) {
    const failure = await describeFailure(error, machine, options.signal);
    await machine.kill();
    throw failure;
  }
  const dispatcher = channelDispatcher(guest);
  return sandboxOf(options.identity.sandboxId, machine, guest, dispatcher, {
    get: () => gone,
    set: (reason) => (gone ??= reason),
  });
}

function startRestoring(options: RestoreOptions): Machine {
  const { template } = options;
  const paths = {
    ram: template.ram,
    kernel: template.kernelHead,
    initrd: template.initrd,
    image: template.image.rootfs,
    template: template.disk,
  };
  const overlay = openOverlay(options.overlay, options.run);
  const files = openFiles(paths, template.readOnlyRam ? [] : ["ram"]);
  const machine = startMachine({
    qemu: options.qemu,
    args: machineArguments(template.shape, "sandbox", template),
    files: { ...files, overlay },
    jail: options.jail,
    accelerator: template.shape.accelerator,
  });
  // Nothing here is waited for: QEMU takes the commands in turn, and runs the machine once it has its state.
  const commands = [
    machine.qmp.command("qmp_capabilities"),
    machine.qmp.command("migrate-set-capabilities", {
      capabilities: [{ capability: "x-ignore-shared", state: true }],
    }),
    machine.qmp.command("migrate-incoming", { uri: `fd:${descriptors.state}` }),
  ];
  for (const command of commands) command.catch(() => {});
  machine.state.end(template.state);
  return machine;
}

async function begin(guest: Guest, machine: Machine, options: RestoreOptions): Promise<void> {
  const growDisk = options.diskMB > IMAGE_DISK_MB;
  if (growDisk) {
    await guest.hello({ ...options.identity, growDisk: false });
    // The guest remembers the template's size until it is told that the disk has changed.
    await machine.qmp.command("block_resize", {
      "node-name": "overlay",
      size: options.diskMB * 1024 * 1024,
    });
  }
  await guest.hello({ ...options.identity, growDisk });
}

function sandboxOf(
  sandboxId: string,
  machine: Machine,
  guest: Guest,
  dispatcher: Agent,
  gone: { get(): EmberboxError | undefined; set(reason: EmberboxError): void },
): LocalSandbox {
  return {
    sandboxId,
    pid: machine.pid,
    startedAt: new Date(),
    endpoint: (port) => ({ origin: `http://sandbox:${port}`, headers: {}, dispatcher }),
    gone: () => gone.get(),
    hello: (identity) => guest.hello(identity),
    async close(reason) {
      gone.set(reason);
      await machine.kill();
      await dispatcher.destroy(reason);
    },
    ended: machine.ended.then(() => dispatcher.destroy(gone.get() ?? null)),
  };
}

function describeFailure(
  error: unknown,
  machine: Machine,
  signal: AbortSignal | undefined,
): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof TimeoutError) {
    return new EmberboxError(
      "boot_failed",
      `the sandbox did not answer within ${RESTORE_MS / 1000} s:\n${machine.console.tail()}`,
    );
  }
  return explainFailure(error, machine, "sandbox_died", "the sandbox's virtual machine ended");
}

class TimeoutError extends Error {}

async function within<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TimeoutError()), ms);
    onAbort = () => reject(signal!.reason as Error);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort!);
  }
}

export function infoOf(
  sandbox: LocalSandbox,
  options: ResolvedCreateOptions,
  endAt: Date,
): SandboxInfo {
  const { template, metadata, cpuCount, memoryMB, diskMB } = options;
  return {
    sandboxId: sandbox.sandboxId,
    template,
    metadata,
    cpuCount,
    memoryMB,
    diskMB,
    startedAt: sandbox.startedAt,
    endAt,
    state: "running",
  };
}
