import {
  BOOTED_FROM_DISK,
  BULK_SERIAL,
  CHANNEL_PORT_NAME,
  VOLUMES_PORT_NAME,
  WORKSPACE_SERIAL,
} from "@emberbox/wire";
import { type Architecture, architectures } from "../host/architecture.ts";

/** What must be the same when a machine is saved and when it is restored, or QEMU refuses. */
export interface MachineShape {
  readonly architecture: Architecture;
  readonly accelerator: "kvm" | "tcg";
  /** MiB */
  readonly memoryMB: number;
  readonly cpuCount: number;
}

/**
 * The descriptors that QEMU inherits. The jail shows it none of our files, so it gets those it may use already open.
 * `state` carries the device state into a sandbox that is restored.
 */
export const descriptors = {
  stderr: 2,
  console: 3,
  qmp: 4,
  channel: 5,
  state: 6,
  ram: 7,
  kernel: 8,
  initrd: 9,
  /** The guest image, read only. */
  image: 10,
  /** The template's disk: written while the template is made, read only afterwards. */
  template: 11,
  /** The sandbox's own disk; absent while the template is made. */
  overlay: 12,
  /** The directory with the socket that a template's state is written to. */
  shared: 12,
  /** Where the device state goes when the sandbox is saved. */
  save: 13,
  /** What this program and the guest hand each other in large pieces. */
  bulk: 14,
  /** The channel of mounted volumes' requests. */
  volumes: 15,
  /** The image of the host's folders, read only; an empty file where there are none. */
  workspace: 16,
} as const;

/** The descriptor of a disk layer between the template's disk and the overlay; spare files come after them. */
export const layerDescriptor = (index: number): number => 17 + index;

export interface MachineArguments {
  readonly kernelArguments: string;
  readonly readOnlyRam: boolean;
  /** Disk layers between the template's disk and the overlay. @default 0 */
  readonly layers?: number;
  /** Empty files that the disk may go on in. @default 0 */
  readonly spares?: number;
  /** Nobody waits for a machine that boots: it loads everything first. @default false */
  readonly warm?: boolean;
}

/** The guest's memory, including its devices', is in no core dump, and is not merged with others' equal pages. */
const OWN_MEMORY = "dump-guest-core=off,mem-merge=off";

/** Devices that a kind of machine has unless it is told otherwise. */
const WITHOUT: Readonly<Record<Architecture, string>> = {
  x64: "usb=off,vmport=off,smbus=off,sata=off",
  arm64: "usb=off",
};

/**
 * Under emulation every iteration of a `rep` instruction is a step of its own, so the fast copies by bytes that kernel
 * and C library prefer where a processor offers them take 5 to 10 times as long as copies by larger pieces (measured:
 * 64 KiB in 890 us, without them in 90 to 200). With AVX2, numpy sorts by instructions that QEMU 7.2 emulates wrongly:
 * `argsort` of 200 000 numbers ended Python. On Arm, what would be computed at every call and return (signatures of
 * pointers) and vectors of any length are left out.
 */
const EMULATED_CPU: Readonly<Record<Architecture, string>> = {
  x64: "max,erms=off,fsrm=off,avx2=off",
  arm64: "max,pauth=off,sve=off,sme=off",
};

/**
 * The one place that builds a QEMU command line. A template boots and is saved. A sandbox continues from a saved
 * template (`sandbox`) or from a saved sandbox (`resumed`), or boots from its disk (`booted`).
 */
export function machineArguments(
  shape: MachineShape,
  mode: "template" | "sandbox" | "resumed" | "booted",
  options: MachineArguments,
): string[] {
  const sandbox = mode !== "template";
  const { architecture, accelerator } = shape;
  const ram = [
    "memory-backend-file,id=ram",
    `size=${shape.memoryMB}M`,
    `mem-path=/proc/self/fd/${descriptors.ram}`,
    "merge=off,dump=off",
    // A template's memory is written to its file; a sandbox maps the file copy-on-write.
    sandbox ? "share=off" : "share=on",
    ...(sandbox && options.readOnlyRam ? ["readonly=on", "rom=off"] : []),
  ].join();
  const { machine } = architectures[architecture];
  return [
    ...["-nodefaults", "-no-user-config", "-nographic", "-no-reboot"],
    ...["-machine", `${machine},memory-backend=ram,${WITHOUT[architecture]},${OWN_MEMORY}`],
    ...["-accel", accelerator === "kvm" ? "kvm" : "tcg,thread=multi"],
    ...["-cpu", accelerator === "kvm" ? "host" : EMULATED_CPU[architecture]],
    ...["-smp", String(shape.cpuCount), "-m", `${shape.memoryMB}M`, "-object", ram],
    ...[
      "-kernel",
      `/proc/self/fd/${descriptors.kernel}`,
      "-initrd",
      `/proc/self/fd/${descriptors.initrd}`,
    ],
    ...[
      "-append",
      mode === "booted" && !options.warm
        ? `${options.kernelArguments} ${BOOTED_FROM_DISK}`
        : options.kernelArguments,
    ],
    ...["-chardev", `socket,id=console,fd=${descriptors.console}`, "-serial", "chardev:console"],
    ...["-chardev", `socket,id=qmp,fd=${descriptors.qmp}`, "-mon", "chardev=qmp,mode=control"],
    ...["-chardev", `socket,id=channel,fd=${descriptors.channel}`],
    ...[
      "-device",
      "virtio-serial-pci,max_ports=3",
      "-device",
      `virtserialport,chardev=channel,name=${CHANNEL_PORT_NAME}`,
    ],
    ...["-chardev", `socket,id=volumes,fd=${descriptors.volumes}`],
    ...["-device", `virtserialport,chardev=volumes,name=${VOLUMES_PORT_NAME}`],
    ...diskArguments(sandbox, options),
    ...(sandbox ? ["-add-fd", `fd=${descriptors.save},set=${descriptors.save}`] : []),
    ...(mode === "sandbox" || mode === "resumed" ? ["-incoming", "defer"] : []),
    // A saved sandbox's state lacks the section that a template's state begins with.
    ...(mode === "resumed" ? ["-global", "migration.send-configuration=off"] : []),
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
  ];
}

function diskArguments(
  sandbox: boolean,
  { layers = 0, spares = 0 }: Pick<MachineArguments, "layers" | "spares">,
): string[] {
  const nodes = [
    fileNode("image-file", descriptors.image, true),
    { driver: "raw", "node-name": "image", file: "image-file", "read-only": true },
    fileNode("template-file", descriptors.template, sandbox),
    {
      driver: "qcow2",
      "node-name": "template",
      file: "template-file",
      backing: "image",
      "read-only": sandbox,
      discard: "unmap",
    },
  ];
  let top = "template";
  for (let index = 0; index < layers; index++) {
    const layer = `layer-${index}`;
    nodes.push(fileNode(`${layer}-file`, layerDescriptor(index), true));
    nodes.push({
      driver: "qcow2",
      "node-name": layer,
      file: `${layer}-file`,
      backing: top,
      "read-only": true,
    });
    top = layer;
  }
  if (sandbox) {
    nodes.push(fileNode("overlay-file", descriptors.overlay, false));
    nodes.push({ ...writtenNode(OVERLAY, "overlay-file"), backing: top });
  }
  nodes.push(fileNode("bulk-file", descriptors.bulk, false));
  nodes.push({ driver: "raw", "node-name": "bulk", file: "bulk-file", "read-only": false });
  nodes.push(fileNode("workspace-file", descriptors.workspace, true));
  nodes.push({
    driver: "raw",
    "node-name": "workspace",
    file: "workspace-file",
    "read-only": true,
  });
  const files = nodes.flatMap((node) => ("filename" in node ? [descriptorOf(node)] : []));
  for (let index = 0; index < spares; index++) files.push(String(layerDescriptor(layers + index)));
  const sets = files.flatMap((file) => ["-add-fd", `fd=${file},set=${file}`]);
  return [
    ...sets,
    ...nodes.flatMap((node) => ["-blockdev", JSON.stringify(node)]),
    // When the host's disk is full, the guest gets an error; by default QEMU would stop the machine.
    ...[
      "-device",
      `virtio-blk-pci,drive=${sandbox ? "overlay" : "template"},werror=report,rerror=report`,
      "-device",
      `virtio-blk-pci,drive=bulk,serial=${BULK_SERIAL},werror=report,rerror=report`,
      "-device",
      `virtio-blk-pci,drive=workspace,serial=${WORKSPACE_SERIAL},rerror=report`,
    ],
  ];
}

export interface BlockNode {
  readonly driver: string;
  readonly "node-name": string;
  readonly "read-only": boolean;
  readonly [option: string]: unknown;
}

/** What a disk is written to at first, as QEMU calls it. */
export const OVERLAY = "overlay";

/** The layer that a disk is written to. */
export const writtenNode = (name: string, file: string): BlockNode => ({
  driver: "qcow2",
  "node-name": name,
  file,
  "read-only": false,
  discard: "unmap",
});

export function fileNode(name: string, descriptor: number, readOnly: boolean): BlockNode {
  return {
    driver: "file",
    "node-name": name,
    filename: `/dev/fdset/${descriptor}`,
    "read-only": readOnly,
    locking: "off",
    // The disk is discarded with the sandbox: nothing on it has to be durable.
    cache: { direct: false, "no-flush": true },
    discard: "unmap",
  };
}

function descriptorOf(node: BlockNode): string {
  return String(node["filename"]).replace("/dev/fdset/", "");
}
