import { copyFile } from "node:fs/promises";
import { dirname } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { allOpened } from "../host/descriptors.ts";
import { descriptors, machineArguments } from "../machine/arguments.ts";
import { openBulk } from "../machine/bulk.ts";
import { openNoWorkspace } from "../machine/devices.ts";
import {
  letOwnerWrite,
  makeEmpty,
  openScratch,
  openToRead,
  openUnnamed,
  sparse,
} from "../machine/files.ts";
import { type Machine, startMachine } from "../machine/machine.ts";
import type { OpenFiles, ProcessOptions } from "../machine/process.ts";
import type { ReadOnlyView } from "../machine/read-only.ts";
import { type GuestMemory, openGuestMemory } from "../memory/guest-memory.ts";
import { loadLayer } from "../memory/load-layer.ts";
import { damaged } from "./damaged.ts";
import { hasBlankMemory, isWarm, MAX_DISK_LAYERS, type Source, type Start } from "./source.ts";

export interface StartOptions {
  readonly source: Source;
  readonly qemu: string;
  readonly jail: boolean;
  /** Opens the files that must not change; the jail needs it. */
  readonly view: ReadOnlyView | undefined;
  /** Size that the disk may grow to, MiB. */
  readonly diskMB: number;
  /** Directory for files that are unlinked once they are open. */
  readonly run: string;
}

/** Starts a machine. `begun` resolves when it runs, or is about to; it rejects when the saved state is damaged. */
export async function startFrom(
  options: StartOptions,
): Promise<{ machine: Machine; begun: Promise<void> }> {
  const { template, start } = options.source;
  const machine = await startMachine(await sandboxProcess(options));
  if (start.how === "resumed" && start.memory.length > 0)
    return { machine, begun: resume(machine, start) };
  // Nothing is awaited here: QEMU takes the commands in turn, and runs the machine once it has its state.
  const commands = [machine.qmp.command("qmp_capabilities")];
  if (start.how === "sandbox")
    commands.push(
      machine.qmp.command("migrate-set-capabilities", {
        capabilities: [{ capability: "x-ignore-shared", state: true }],
      }),
    );
  if (start.how !== "booted") {
    commands.push(machine.qmp.command("migrate-incoming", { uri: `fd:${descriptors.state}` }));
    machine.state.end(start.how === "sandbox" ? template.state : start.state);
  }
  for (const command of commands) command.catch(() => {});
  return { machine, begun: Promise.resolve() };
}

/** The QEMU process of a sandbox: with every file that it may use open, and no other. */
export async function sandboxProcess(options: StartOptions): Promise<ProcessOptions> {
  const { source, jail } = options;
  const { template, start } = source;
  const { shape, readOnlyRam } = template;
  if (!jail && !readOnlyRam && !hasBlankMemory(source)) await letOwnerWrite(template.ram);
  const { files, layers, spares } = await openAll(options);
  return {
    qemu: options.qemu,
    args: machineArguments(shape, start.how, {
      ...template,
      layers: layers.length,
      spares: spares.length,
      warm: isWarm(start),
    }),
    files,
    layers,
    spares,
    jail: jail && (readOnlyRam ? "reading" : "memoryAtZero"),
    size: { ...shape, diskMB: options.diskMB },
  };
}

async function resume(machine: Machine, start: Start & { how: "resumed" }): Promise<void> {
  const opening = openMemory(machine);
  // It may fail while the first layer is still being read.
  opening.catch(() => {});
  try {
    for (const { path } of start.memory) {
      await loadLayer(path, opening).catch((error: unknown) => {
        throw EmberboxError.isInstance(error) ? error : damaged(dirname(path), error);
      });
    }
  } finally {
    await opening.then(
      (memory) => memory[Symbol.asyncDispose](),
      () => {},
    );
  }
  machine.state.end(start.state);
  await machine.qmp.command("migrate-incoming", { uri: `fd:${descriptors.state}` });
}

async function openMemory(machine: Machine): Promise<GuestMemory> {
  // Once QEMU answers, it has mapped its memory.
  await machine.qmp.command("qmp_capabilities");
  return openGuestMemory(machine.pid, machine.files.ram!);
}

async function openAll({ source, run, view }: StartOptions): Promise<{
  files: Machine["files"];
  layers: number[];
  spares: number[];
}> {
  const { template, start, overlay, workspace } = source;
  const read = (path: string): Promise<number> => openToRead(path, view);
  const blankRam = sparse(template.shape.memoryMB * 1024 * 1024);
  const files: Partial<Record<keyof OpenFiles, Promise<number>>> = {
    ram: hasBlankMemory(source) ? openScratch(run, blankRam) : read(template.ram),
    kernel: read(start.how === "booted" ? template.image.kernel : template.kernelHead),
    initrd: read(template.initrd),
    image: read(template.image.rootfs),
    template: read(template.disk),
    overlay: openScratch(run, (path) => copyFile(overlay, path)),
    save: openScratch(run, makeEmpty, "w"),
    bulk: openBulk(run),
    workspace: workspace === undefined ? openNoWorkspace(run) : read(workspace.path),
  };
  const names = Object.keys(files);
  const layers = source.layers.map(({ path }) => read(path));
  const spares = Array.from({ length: Math.max(0, MAX_DISK_LAYERS - layers.length) }, () =>
    openUnnamed(run),
  );
  const opened = await allOpened([...Object.values(files), ...layers, ...spares]);
  return {
    files: Object.fromEntries(names.map((name, index) => [name, opened[index]!])),
    layers: opened.slice(names.length, names.length + layers.length),
    spares: opened.slice(names.length + layers.length),
  };
}
