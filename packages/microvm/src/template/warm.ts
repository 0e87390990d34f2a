import { mkdir, open, rename, rm, statfs, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { untilAborted } from "@emberbox/core/concurrency";
import type { AgentFile } from "@emberbox/guest";
import { freezeFlags } from "@emberbox/wire";
import { architectures } from "../host/architecture.ts";
import { sync } from "../host/durable.ts";
import { qemuVersion } from "../host/programs.ts";
import type { GuestImage } from "../image/index.ts";
import { IMAGE_DISK_MB } from "../image/recipe.ts";
import { machineArguments, type MachineShape } from "../machine/arguments.ts";
import { channelDispatcher } from "../machine/dispatcher.ts";
import { withEmptyDevices } from "../machine/devices.ts";
import { letJailRead, openFiles } from "../machine/files.ts";
import { connectGuest } from "../machine/guest.ts";
import { sharedAs } from "../machine/jail.ts";
import {
  explainFailure,
  lateError,
  type Machine,
  type MachineEnd,
  machineError,
  startMachine,
} from "../machine/machine.ts";
import { patiently } from "../host/patience.ts";
import { readOnlyView } from "../machine/read-only.ts";
import { createBlank, createOverlay } from "./blank.ts";
import { exercise } from "./exercise.ts";
import { writeInitrd } from "./initrd.ts";
import { receiveState, type StateReceiver } from "./save.ts";
import { type TemplateFacts, templateFiles } from "./template.ts";

export interface WarmOptions {
  readonly directory: string;
  readonly shape: MachineShape;
  readonly image: GuestImage;
  readonly agent: readonly AgentFile[];
  readonly qemu: string;
  readonly jail: boolean;
  readonly onProgress: ((step: string) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** How the name of a directory ends whose template is not complete. */
export const UNFINISHED = ".building";

/** Under emulation it takes 160 s of a whole processor (measured). */
export const WARM_BOOT_MS = 1_800_000;
const ENDED = "the virtual machine ended while it started";
const BOOT_TRIES = 3;

/**
 * Boots the image once, starts the agent and the kernels, runs every path once, and saves the machine. Made beside its
 * place and moved there, so what is there is complete.
 */
export async function warmTemplate(options: WarmOptions): Promise<void> {
  const building = options.directory + UNFINISHED;
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true, mode: 0o700 });
  // QEMU's account, when we are root, must reach the files by the descriptors it is given, not by path: 0700 is right.
  try {
    await checkSpace(building, options.shape.memoryMB);
    await build({ ...options, directory: building });
    await sync(dirname(options.directory));
    // What is there already is incomplete.
    await rm(options.directory, { recursive: true, force: true });
    await rename(building, options.directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC")
      throw new EmberboxError("host_disk_full", "no space for the template", { cause: error });
    throw error;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/** What a template's disk and state take, with room to spare, in bytes. */
const DISK_BYTES = 512 * 1024 * 1024;

/** The memory file is sparse: without space for all of it, QEMU would be killed while writing to it. */
async function checkSpace(directory: string, memoryMB: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const needed = memoryMB * 1024 * 1024 + DISK_BYTES;
  if (bavail * bsize >= needed) return;
  const [has, needs] = [bavail * bsize, needed].map((bytes) => Math.round(bytes / 1024 / 1024));
  throw new EmberboxError(
    "host_disk_full",
    `warming a template needs ${needs} MiB in ${directory}, which has ${has} MiB`,
  );
}

async function build(options: WarmOptions): Promise<void> {
  const { shape, image } = options;
  const files = templateFiles(options.directory);
  const facts = await factsOf(shape, options.qemu);
  // V8's compilers cost more than they gain where every new instruction has to be translated (measured under TCG).
  const nodeFlags = shape.accelerator === "tcg" ? ["--jitless"] : [];
  await writeInitrd({ base: image.initrd, files: options.agent, nodeFlags, target: files.initrd });
  await writeFile(files.kernelHead, await readHead(image.kernel));
  for (let attempt = 1; ; attempt++) {
    await createBlank({
      ram: files.ram,
      disk: files.disk,
      memoryMB: shape.memoryMB,
      rootfs: image.rootfs,
    });
    try {
      await bootAndSave(options, facts);
      break;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (attempt === BOOT_TRIES || !mayBeLuckier(error)) throw error;
      options.onProgress?.(
        `the machine did not start (${(error as Error).message.split("\n")[0]}); trying again`,
      );
    }
  }
  await createOverlay({ path: files.overlay, backing: files.disk, format: "qcow2" });
  for (const path of [files.ram, files.initrd, files.kernelHead, files.state, files.disk])
    await letJailRead(path);
  for (const path of [files.ram, files.state, files.disk, files.overlay, files.initrd])
    await sync(path);
  await writeFile(files.facts, JSON.stringify(facts));
  await sync(files.facts);
}

/** How machines of a shape are booted by this QEMU. */
export async function factsOf(shape: MachineShape, qemu: string): Promise<TemplateFacts> {
  const version = await qemuVersion(qemu);
  return { kernelArguments: kernelArguments(shape, version), readOnlyRam: readsRamOnly(version) };
}

/** A guest's kernel that panics is tried again; what ran for too long, or said why it gave up, is not. */
function mayBeLuckier(error: unknown): boolean {
  if (!EmberboxError.isInstance(error) || error.code !== "boot_failed") return false;
  const end = error.details as Partial<MachineEnd> | undefined;
  return end?.exitCode !== undefined && end.agent === undefined;
}

async function bootAndSave(options: WarmOptions, facts: TemplateFacts): Promise<void> {
  const { image, shape } = options;
  const files = templateFiles(options.directory);
  await using receiver = await receiveState(files.state, options.directory);
  const opened = await openFiles(
    {
      ram: files.ram,
      kernel: image.kernel,
      initrd: files.initrd,
      image: image.rootfs,
      template: files.disk,
    },
    ["ram", "template"],
    options.jail ? await readOnlyView() : undefined,
  );
  const machine = await startMachine({
    qemu: options.qemu,
    args: machineArguments(shape, "template", facts),
    files: await withEmptyDevices(opened, options.directory),
    jail: options.jail && "writing",
    size: { ...shape, diskMB: IMAGE_DISK_MB },
    shared: receiver.shared,
  });
  const failed = machine.ended.then((how) => {
    throw machineError("boot_failed", ENDED, how);
  });
  const late = (): never => {
    throw lateError("the virtual machine", "was not ready", WARM_BOOT_MS, machine);
  };
  try {
    const warmed = Promise.race([warmAndSave(machine, receiver, options), failed]);
    await patiently(machine, WARM_BOOT_MS, untilAborted(warmed, options.signal), late);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw await explainFailure(error, machine, "boot_failed", ENDED);
  } finally {
    await machine.kill();
  }
}

async function warmAndSave(
  machine: Machine,
  receiver: StateReceiver,
  { onProgress, jail }: WarmOptions,
): Promise<void> {
  onProgress?.("booting the machine and loading Python's libraries");
  await rehearse(machine, () => onProgress?.("running every path"));
  for (let times = 1; times < REHEARSALS; times++) await rehearse(machine);
  onProgress?.("saving the machine");
  await receiver.save(machine.qmp, sharedAs(jail, receiver.shared));
}

/** As often as it takes until the agent's JavaScript knows what it will meet. */
export const REHEARSALS = 3;

/**
 * What a sandbox goes through, from its host's hello until it is saved: what ran before is compiled, and is in the page
 * cache. A new session begins each time, as in a machine that was restored.
 */
async function rehearse(machine: Machine, onHello?: () => void): Promise<void> {
  const guest = connectGuest(machine, () => {});
  await guest.hello({
    sandboxId: "template",
    templateId: "template",
    envs: {},
    growDisk: false,
  });
  onHello?.();
  const dispatcher = channelDispatcher(guest);
  await exercise(() => ({ dispatcher, headers: {} }));
  await dispatcher.close();
  await guest.freeze(freezeFlags.tidy);
  // Whoever connects next reads on.
  machine.channel.removeAllListeners("data");
}

/** What the kernel would do at every turn, and nobody asks it for. Huge pages are for who asks for them. */
const UNUSED = "psi=0 audit=0 lsm= transparent_hugepage=madvise";
/** For clocks that only x86-64 has. */
const EMULATED_CLOCKS = "no_timer_check tsc=nowatchdog";
/**
 * QEMU 7 translates a program again each time that it is started at another address (measured: 20 processes in 690 ms,
 * without randomization in 210). QEMU 10 does not; versions between were not measured.
 */
const FIXED_ADDRESSES = "norandmaps";

function kernelArguments({ architecture, accelerator }: MachineShape, [major]: Version): string {
  const { console } = architectures[architecture];
  const common = `console=${console} quiet loglevel=3 panic=-1 mitigations=off random.trust_cpu=on ${UNUSED}`;
  if (accelerator !== "tcg" || architecture !== "x64") return common;
  return [common, EMULATED_CLOCKS, ...(major < 10 ? [FIXED_ADDRESSES] : [])].join(" ");
}

type Version = readonly [major: number, minor: number];

/** From 8.2 on, QEMU can map a file privately that it may not write to. */
const readsRamOnly = ([major, minor]: Version): boolean => major > 8 || (major === 8 && minor >= 2);

/** More than a kernel's set-up code, whose size is in its header and is checked by QEMU, in bytes. */
const HEAD_BYTES = 65_536;

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
