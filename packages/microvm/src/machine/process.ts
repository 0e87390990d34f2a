import { type ChildProcess, spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import type { Writable } from "node:stream";
import { background, warning } from "@emberbox/core/background";
import { closeFd, openFd } from "../host/descriptors.ts";
import { descriptors, layerDescriptor } from "./arguments.ts";
import { type Cgroup, hostCgroups, makeCgroup } from "./cgroup.ts";
import { type JailedCommand, jailed, type SharedDirectory } from "./jail.ts";
import { withoutCore } from "./core-dump.ts";
import { limited, type MachineSize } from "./limits.ts";
import type { FilterOptions } from "./seccomp.ts";

/** Files open for QEMU, by the descriptor it will see them as. */
export type OpenFiles = Partial<
  Record<
    "ram" | "kernel" | "initrd" | "image" | "template" | "overlay" | "save" | "bulk" | "workspace",
    number
  >
>;

export interface ProcessOptions {
  /** Path of the QEMU program. */
  readonly qemu: string;
  readonly args: readonly string[];
  /** Closed by the caller once the process has ended or could not be started. */
  readonly files: OpenFiles;
  /** Disk layers between the template's disk and the overlay, lowest first; closed like `files`. */
  readonly layers?: readonly number[];
  /** Empty files that its disk may go on in; closed like `files`. */
  readonly spares?: readonly number[];
  /** What the jail lets QEMU do with files; `false` runs QEMU with the rights of this process. */
  readonly jail: FilterOptions["files"] | false;
  readonly size: MachineSize;
  /** Needed only by a machine that makes a template. */
  readonly shared?: SharedDirectory;
}

/** A process that was started. */
export interface StartedProcess {
  readonly child: ChildProcess;
  readonly cgroup: Cgroup | undefined;
  /** How it ended, or why it could not be started. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
}

export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

/** Starts QEMU, or a stand-in that shows what QEMU could do, with its descriptors, limits and jail. */
export async function startProcess(options: ProcessOptions): Promise<StartedProcess> {
  const { jail, size } = options;
  let cgroup: Cgroup | undefined;
  try {
    const stdio = await openStdio(options);
    const command = await commandOf(options);
    const parent = jail ? await hostCgroups() : undefined;
    cgroup = parent && (await makeCgroup(parent, size));
    if (cgroup) stdio[1] = cgroup.procs;
    const { filter, filterDescriptor } = command;
    if (filter) stdio[filterDescriptor] = "pipe";
    const { file, args } = limited(await withoutCore(command), size, cgroup !== undefined);
    // From here on nothing is awaited: whoever called has to hear all that the process says.
    const child = spawn(file, args, {
      env: {},
      cwd: "/",
      stdio: Array.from(stdio, (entry) => entry ?? "ignore"),
      ...(command.uid !== undefined && { uid: command.uid, gid: command.gid }),
    });
    if (filter) (child.stdio[filterDescriptor as 4] as Writable).on("error", () => {}).end(filter);
    return { child, cgroup, ended: endOf(child) };
  } catch (error) {
    if (cgroup) background(cgroup.remove(), warning("Removing a control group"));
    await closeFiles(options);
    throw error;
  } finally {
    if (cgroup) background(closeFd(cgroup.procs), warning("Closing a control group"));
  }
}

type Stdio = ("ignore" | "pipe" | number)[];

/** What the process gets, by descriptor, but for its control group and the filter of its calls. */
async function openStdio({
  files,
  layers = [],
  spares = [],
  jail,
  shared,
}: ProcessOptions): Promise<Stdio> {
  const stdio: Stdio = ["ignore", "ignore"];
  for (const name of ["stderr", "console", "qmp", "channel", "state", "volumes"] as const)
    stdio[descriptors[name]] = "pipe";
  for (const [name, fd] of Object.entries(files)) stdio[descriptors[name as keyof OpenFiles]] = fd;
  [...layers, ...spares].forEach((fd, index) => (stdio[layerDescriptor(index)] = fd));
  if (jail && shared && process.getuid?.() === 0) stdio[descriptors.shared] = shared.descriptor;
  if (jail === "memoryAtZero") stdio[0] = files.ram!;
  // QEMU would inherit the descriptors that this program was started with; /dev/null takes their place. ("ignore" would
  // leave them, from 3 on.)
  inherited ??= inheritedDescriptors();
  for (const fd of await inherited) stdio[fd] ??= await (devNull ??= openFd("/dev/null", "r"));
  return stdio;
}

type Command = Partial<JailedCommand> &
  Pick<JailedCommand, "file" | "args"> & { readonly filterDescriptor: number };

async function commandOf({
  qemu,
  args,
  layers = [],
  spares = [],
  jail,
  size,
  shared,
}: ProcessOptions): Promise<Command> {
  const filterDescriptor = layerDescriptor(layers.length + spares.length);
  if (!jail) return { file: qemu, args: [...args], filterDescriptor };
  const { accelerator } = size;
  const command = await jailed(qemu, args, { accelerator, shared, files: jail, filterDescriptor });
  return { ...command, filterDescriptor };
}

function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ exitCode: null, signal: null, error }));
    // "close" would wait for whoever else holds the pipes; only the process matters.
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

export async function closeFiles({
  files,
  layers = [],
  spares = [],
}: Pick<ProcessOptions, "files" | "layers" | "spares">): Promise<void> {
  await Promise.all([...Object.values(files), ...layers, ...spares].map((fd) => closeFd(fd)));
}

let devNull: Promise<number> | undefined;
let inherited: Promise<readonly number[]> | undefined;

/** Descriptors of this process that its children would get: those that Node did not open itself. */
async function inheritedDescriptors(): Promise<readonly number[]> {
  const found: number[] = [];
  for (const fd of (await readdir("/proc/self/fd")).map(Number))
    if (fd > 2 && !(await closesOnExec(fd))) found.push(fd);
  return found;
}

async function closesOnExec(fd: number): Promise<boolean> {
  try {
    const info = await readFile(`/proc/self/fdinfo/${fd}`, "utf8");
    return (Number.parseInt(/^flags:\s+([0-7]+)/m.exec(info)![1]!, 8) & 0o2000000) !== 0;
  } catch {
    return true; // Closed since it was listed.
  }
}
