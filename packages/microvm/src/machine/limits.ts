/** What determines the limits of a machine's process. */
export interface MachineSize {
  readonly accelerator: "kvm" | "tcg";
  /** MiB */
  readonly memoryMB: number;
  /** MiB */
  readonly diskMB: number;
  readonly cpuCount: number;
}

/** Memory of QEMU's own besides the machine's, in MiB: its devices and, under TCG, up to 1 GiB of translated code. */
export const ownMemoryMB = ({ accelerator }: MachineSize): number =>
  accelerator === "tcg" ? 1536 : 512;

/** Libraries, stacks and whatever else is mapped and not used, in MiB. */
const UNUSED_MB = 2048;
const DESCRIPTORS = 512;

/** Limits as arguments of the shell's `ulimit`; they also hold where there are no control groups. */
function resourceLimits(size: MachineSize): string[] {
  const fileMB = Math.max(size.diskMB, size.memoryMB) * 1.05 + 256;
  const addressMB = size.memoryMB + ownMemoryMB(size) + UNUSED_MB;
  return [
    `-n ${DESCRIPTORS}`,
    `-f ${Math.ceil(fileMB * 2048)}`, // in 512 bytes
    `-v ${Math.ceil(addressMB * 1024)}`,
  ];
}

/**
 * A command that limits itself, then becomes `command`. With `joinsGroup`, its standard output is the `cgroup.procs` of
 * its control group: it joins before it starts anything, so nothing stays outside the group.
 */
export function limited(
  command: { readonly file: string; readonly args: readonly string[] },
  size: MachineSize,
  joinsGroup: boolean,
): { file: string; args: string[] } {
  // A limit that is already lower cannot be raised, and stays.
  const limits = resourceLimits(size).map((limit) => `ulimit ${limit} 2>/dev/null || :`);
  const script = [...limits, ...(joinsGroup ? ["echo 0 || exit"] : []), 'exec "$@" >/dev/null'];
  return {
    file: "/bin/sh",
    args: ["-c", script.join("\n"), "sh", command.file, ...command.args],
  };
}
