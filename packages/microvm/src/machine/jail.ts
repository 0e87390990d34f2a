import { stat } from "node:fs/promises";
import { isArchitecture } from "../host/architecture.ts";
import { exists } from "../host/exists.ts";
import { requireProgram } from "../host/programs.ts";
import { descriptors } from "./arguments.ts";
import { type FilterOptions, seccompFilter } from "./seccomp.ts";

/** The account that QEMU runs as when we are root: not root, and nobody else's. */
export const JAIL_ID = 64_900;

/** A directory with the socket that a template's state goes to. */
export interface SharedDirectory {
  readonly path: string;
  /** Open. Passed on when we are root: QEMU's account may not enter the directories above. */
  readonly descriptor: number;
}

/** Where QEMU finds a shared directory. */
export const sharedAs = (jail: boolean, { descriptor }: SharedDirectory): string => {
  // The name of a socket has at most 107 bytes.
  if (!jail) return `/proc/${process.pid}/fd/${descriptor}`;
  return process.getuid?.() === 0 ? `/proc/self/fd/${descriptors.shared}` : SHARED;
};

const SHARED = "/shared";

export interface JailOptions {
  readonly accelerator: "kvm" | "tcg";
  readonly shared?: SharedDirectory | undefined;
  readonly files: FilterOptions["files"];
  /** The descriptor from which the jail reads its filter of system calls. */
  readonly filterDescriptor: number;
}

export interface JailedCommand {
  readonly file: string;
  readonly args: string[];
  readonly uid?: number;
  readonly gid?: number;
  /** To be written to the other end of `filterDescriptor`. */
  readonly filter: Buffer | undefined;
}

/** What QEMU needs of the host: its program, its libraries and its firmware. */
const READ_ONLY = [
  "/usr/lib",
  "/usr/lib64",
  "/lib",
  "/lib64",
  "/usr/share/qemu",
  "/usr/share/seabios",
  "/etc/ld.so.cache",
];

/** Those of them that this machine has. */
let readable: Promise<string[]> | undefined;

async function thoseThere(paths: readonly string[]): Promise<string[]> {
  const there = await Promise.all(paths.map(exists));
  return paths.filter((_path, index) => there[index]);
}

/**
 * QEMU in namespaces of its own (user, mount, pid, ipc, uts, cgroup, network), without capabilities, without the host's
 * environment, with nothing to read but its own program, and with few system calls. It reaches the outside only by the
 * descriptors that it inherits.
 */
export async function jailed(
  program: string,
  args: readonly string[],
  options: JailOptions,
): Promise<JailedCommand> {
  const isRoot = process.getuid?.() === 0;
  const kvm = options.accelerator === "kvm";
  // Where the numbers of calls are not known, only QEMU's own filter remains.
  const architecture = isArchitecture(process.arch) ? process.arch : undefined;
  const filter = architecture && seccompFilter({ architecture, kvm, files: options.files });
  const { shared } = options;
  const device = kvm ? await stat("/dev/kvm").catch(() => undefined) : undefined;
  const libraries = await (readable ??= thoseThere(READ_ONLY));
  return {
    file: requireProgram("bwrap"),
    args: [
      ...["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv"],
      ...["--cap-drop", "ALL", ...(filter ? ["--seccomp", String(options.filterDescriptor)] : [])],
      ...["--proc", "/proc", "--dev", "/dev", "--ro-bind", program, program],
      ...libraries.flatMap((path) => ["--ro-bind", path, path]),
      ...(shared === undefined || isRoot ? [] : ["--bind", shared.path, SHARED]),
      ...(device ? ["--dev-bind", "/dev/kvm", "/dev/kvm"] : []),
      ...[
        "--remount-ro",
        "/proc",
        "--remount-ro",
        "/dev",
        "--remount-ro",
        "/",
        "--chdir",
        "/",
        "--",
        program,
        ...args,
      ],
    ],
    filter,
    ...(isRoot && {
      uid: JAIL_ID,
      gid: device?.gid || JAIL_ID,
    }),
  };
}
