/** Processors that a machine can have, by Node's names; the host's is one of them too. */
export type Architecture = "x64" | "arm64";

interface ArchitectureFacts {
  /** What Debian calls it. */
  readonly debian: string;
  /** What compilers call it. */
  readonly gnu: string;
  /** The program that runs such a machine. */
  readonly qemu: string;
  /** QEMU's name of the kind of machine; on Arm with the best interrupt controller that there is. */
  readonly machine: string;
  /** The serial port that its kernel writes to. */
  readonly console: string;
}

export const architectures: Readonly<Record<Architecture, ArchitectureFacts>> = {
  x64: {
    debian: "amd64",
    gnu: "x86_64",
    qemu: "qemu-system-x86_64",
    machine: "q35",
    console: "ttyS0",
  },
  arm64: {
    debian: "arm64",
    gnu: "aarch64",
    qemu: "qemu-system-aarch64",
    machine: "virt,gic-version=max",
    console: "ttyAMA0",
  },
};

export const isArchitecture = (name: string): name is Architecture =>
  Object.hasOwn(architectures, name);

/** This machine's, which KVM can run. On any other kind of processor, machines are emulated as x86-64. */
export const HOST_ARCHITECTURE: Architecture = isArchitecture(process.arch) ? process.arch : "x64";
