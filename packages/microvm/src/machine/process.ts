import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { background, warning } from "@emberbox/core/background";
import { descriptors, layerDescriptor } from "./arguments.ts";
import { type Cgroup, hostCgroups, makeCgroup } from "./cgroup.ts";
import { type JailedCommand, jailed, type SharedDirectory } from "./jail.ts";
import { withoutCore } from "./core-dump.ts";
import { limited, type MachineSize } from "./limits.ts";
import type { FilterOptions } from "./seccomp.ts";

/** Files open for QEMU, by the descriptor it will see them as. */
export type OpenFiles = Partial<
  Record<"ram" | "kernel" | "initrd" | "image" | "template" | "overlay" | "save", number>
>;

export interface ProcessOptions {
  /** Path of the QEMU program. */
  readonly qemu: string;
  readonly args: readonly string[];
  /** Closed by the caller once the process has ended or could not be started. */
  readonly files: OpenFiles;
  /** Disk layers between the template's disk and the overlay, lowest first; closed like `files`. */
  readonly layers?: readonly number[];
  /** What the jail lets QEMU do with files; `false` runs QEMU with the rights of this process. */
  readonly jail: FilterOptions["files"] | false;
  readonly size: MachineSize;
  /** Needed only by a machine that makes a template. */
  readonly shared?: SharedDirectory;
}

/** Starts QEMU, or a stand-in that shows what QEMU could do, with its descriptors, limits and jail. */
export function startProcess(options: ProcessOptions): {
  readonly child: ChildProcess;
  readonly cgroup: Cgroup | undefined;
} {
  const { files, layers = [], jail, size, shared } = options;
  const { accelerator } = size;
  const filterDescriptor = layerDescriptor(layers.length);
  const command: Partial<JailedCommand> & Pick<JailedCommand, "file" | "args"> = jail
    ? jailed(options.qemu, options.args, { accelerator, shared, files: jail, filterDescriptor })
    : { file: options.qemu, args: [...options.args] };
  const stdio: ("ignore" | "pipe" | number)[] = ["ignore", "ignore"];
  for (const name of ["stderr", "console", "qmp", "channel", "state"] as const)
    stdio[descriptors[name]] = "pipe";
  for (const [name, fd] of Object.entries(files)) stdio[descriptors[name as keyof OpenFiles]] = fd;
  layers.forEach((fd, index) => (stdio[layerDescriptor(index)] = fd));
  if (jail && shared && process.getuid?.() === 0) stdio[descriptors.shared] = shared.descriptor;
  if (jail === "memoryAtZero") stdio[0] = files.ram!;
  if (command.filter) stdio[filterDescriptor] = "pipe";
  // QEMU would inherit the descriptors that this program was started with; /dev/null takes their place. ("ignore" would
  // leave them, from 3 on.)
  for (const fd of inheritedDescriptors()) stdio[fd] ??= nothing();
  const parent = jail ? hostCgroups() : undefined;
  let cgroup: Cgroup | undefined;
  let child: ChildProcess;
  try {
    cgroup = parent && makeCgroup(parent, size);
    if (cgroup) stdio[1] = cgroup.procs;
    const { file, args } = limited(withoutCore(command), size, cgroup !== undefined);
    child = spawn(file, args, {
      env: {},
      cwd: "/",
      stdio: Array.from(stdio, (entry) => entry ?? "ignore"),
      ...(command.uid !== undefined && { uid: command.uid, gid: command.gid }),
    });
  } catch (error) {
    if (cgroup) background(cgroup.remove(), warning("Removing a control group"));
    closeFiles(options);
    throw error;
  } finally {
    if (cgroup) closeSync(cgroup.procs);
  }

  if (command.filter)
    (child.stdio[filterDescriptor as 4] as Writable).on("error", () => {}).end(command.filter);
  return { child, cgroup };
}

export function closeFiles({ files, layers = [] }: Pick<ProcessOptions, "files" | "layers">): void {
  for (const fd of [...Object.values(files), ...layers]) closeSync(fd);
}

let devNull: number | undefined;

function nothing(): number {
  return (devNull ??= openSync("/dev/null", "r"));
}

let inherited: readonly number[] | undefined;

/** Descriptors of this process that its children would get: those that Node did not open itself. */
function inheritedDescriptors(): readonly number[] {
  inherited ??= readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => fd > 2 && !closesOnExec(fd));
  return inherited;
}

function closesOnExec(fd: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    return (Number.parseInt(flags!, 8) & 0o2000000) !== 0;
  } catch {
    return true; // Closed since it was listed.
  }
}
