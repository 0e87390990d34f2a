/** What decides how much a machine's process may take. */
export interface MachineSize {
  readonly accelerator: "kvm" | "tcg";
  /** MiB */
  readonly memoryMB: number;
  /** MiB */
  readonly diskMB: number;
  readonly cpuCount: number;
}

/** Memory of QEMU's own beside the machine's, in MiB: its devices and, under TCG, up to 1 GiB of translated code. */
export const ownMemoryMB = ({ accelerator }: MachineSize): number =>
  accelerator === "tcg" ? 1536 : 512;

/** Libraries, stacks and what else is mapped and not used, in MiB. */
const UNUSED_MB = 2048;
const DESCRIPTORS = 512;

/** Limits in the terms of the shell's `ulimit`; they hold where there are no control groups too. */
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
 * A command that limits itself, then becomes `command`. With `joinsGroup` its standard output is the `cgroup.procs`
 * of its control group: joining before anything else is started leaves nothing outside of it.
 */
export function limited(
  command: { readonly file: string; readonly args: readonly string[] },
  size: MachineSize,
  joinsGroup: boolean,
): { file: string; args: string[] } {
  // A limit that is lower already cannot be raised, and stays.
  const limits = resourceLimits(size).map((limit) => `ulimit ${limit} 2>/dev/null || :`);
  const script = [...limits, ...(joinsGroup ? ["echo 0 || exit"] : []), 'exec "$@" >/dev/null'];
  return {
    file: "/bin/sh",
    args: ["-c", script.join("\n"), "sh", command.file, ...command.args],
  };
}
