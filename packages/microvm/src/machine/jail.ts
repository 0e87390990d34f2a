import { existsSync, statSync } from "node:fs";

/** The account that QEMU runs as when we are root: not root, and nobody else's. */
export const JAIL_ID = 64_900;

export interface JailedCommand {
  readonly file: string;
  readonly args: string[];
  readonly uid?: number;
  readonly gid?: number;
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

/**
 * QEMU in namespaces of its own (user, mount, pid, ipc, uts, cgroup, network), without capabilities, without the
 * host's environment, with nothing to read but its own program. It reaches the outside by the descriptors it inherits only.
 */
export function jailed(
  qemu: string,
  args: readonly string[],
  options: { readonly accelerator: "kvm" | "tcg"; readonly shared: string | undefined },
): JailedCommand {
  const isRoot = process.getuid?.() === 0;
  const kvm = options.accelerator === "kvm";
  return {
    file: "bwrap",
    args: [
      ...["--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"],
      ...["--proc", "/proc", "--dev", "/dev", "--ro-bind", qemu, qemu],
      ...READ_ONLY.filter((path) => existsSync(path)).flatMap((path) => ["--ro-bind", path, path]),
      ...(options.shared === undefined ? [] : ["--bind", options.shared, options.shared]),
      ...(kvm ? ["--dev-bind", "/dev/kvm", "/dev/kvm"] : []),
      ...["--remount-ro", "/", "--chdir", "/", "--", qemu, ...args],
    ],
    ...(isRoot && { uid: JAIL_ID, gid: kvm ? statSync("/dev/kvm").gid : JAIL_ID }),
  };
}
