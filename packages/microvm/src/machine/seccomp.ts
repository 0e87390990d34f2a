/**
 * What a machine may do with files. A template is made by `writing` them. A sandbox is `reading` only; QEMU before
 * 8.2 opens its memory's file to write even to map it privately, for which the kernel asks no such right. With
 * `memoryAtZero` that call is not made but answered with "descriptor 0", where the file is open for reading.
 */
export interface FilterOptions {
  readonly kvm: boolean;
  readonly files: "writing" | "reading" | "memoryAtZero";
}

const ARCHITECTURE = 0xc000003e; // x86-64
const X32 = 0x40000000;

/** Offsets in the kernel's `struct seccomp_data`. */
const fields = { call: 0, architecture: 4, argument: (index: number) => 16 + 8 * index } as const;
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const errno = (number: number): number => 0x00050000 | number;
const EPERM = errno(1);
const ENOSYS = errno(38);

/** Numbers of system calls on x86-64. */
const calls = { open: 2, socket: 41, clone: 56, openat: 257 } as const;

/** What a machine never does: other processes, mounts, namespaces, modules, clocks, keys, and the kernel's odd corners. */
const REFUSED = [
  ...[101, 310, 311, 312, 434, 438, 440, 448], // ptrace, process_vm_*, kcmp, pidfd_*, process_madvise, process_mrelease
  ...[155, 161, 165, 166, 428, 429, 430, 431, 432, 433, 442], // pivot_root, chroot, mount and its successors
  ...[272, 308], // unshare, setns
  ...[175, 176, 313, 246, 320, 169, 167, 168], // modules, kexec, reboot, swap
  ...[159, 164, 227, 305, 170, 171], // clocks and names
  ...[172, 173, 154, 163, 179, 103, 153, 212], // iopl, ioperm, modify_ldt, acct, quotactl, syslog, vhangup, lookup_dcookie
  ...[248, 249, 250, 298, 321, 323, 300, 301, 303, 304], // keys, perf, bpf, userfaultfd, fanotify, file handles
] as const;

/** Names and attributes of files. */
const FILE_CHANGES = [
  ...[85, 90, 91, 268, 452], // creat, chmod
  ...[92, 93, 94, 260], // chown
  ...[82, 83, 84, 86, 87, 88, 133, 258, 259, 263, 264, 265, 266, 316], // rename, mkdir, link, unlink, mknod
  ...[132, 235, 261, 280, 188, 189, 190, 197, 198, 199, 76], // times, attributes, truncate by name
] as const;

/** Hide what they do in memory that a filter cannot read; programs go on without them. */
const UNREADABLE = [425, 426, 427, 435, 437] as const; // io_uring, clone3, openat2

const CLONE_NEW = 0x7e020000;
const WRITE_FLAGS = 0o3 | 0o100 | 0o1000 | 0o20000000; // O_ACCMODE, O_CREAT, O_TRUNC, O_TMPFILE's own bit
const O_RDWR = 0o2;
const O_CLOEXEC = 0o2000000;
const AF_UNIX = 1;

/**
 * The filter as `bwrap --seccomp` reads it. It is there before QEMU is, so it holds also where QEMU's own filter, which
 * QEMU sets up itself, does not.
 */
export function seccompFilter(options: FilterOptions): Buffer {
  const reads = options.files !== "writing";
  const program = [
    load(fields.architecture),
    ...unless(equal, ARCHITECTURE, KILL_PROCESS),
    load(fields.call),
    ...when(atLeast, X32, KILL_PROCESS),
    ...REFUSED.flatMap((call) => when(equal, call, EPERM)),
    ...UNREADABLE.flatMap((call) => when(equal, call, ENOSYS)),
    ...(reads ? FILE_CHANGES.flatMap((call) => when(equal, call, EPERM)) : []),
    ...inCall(calls.clone, [load(fields.argument(0)), ...when(anyBit, CLONE_NEW, EPERM)]),
    ...inCall(calls.socket, [load(fields.argument(0)), ...unless(equal, AF_UNIX, EPERM)]),
    ...(reads ? inCall(calls.open, opening(1, options)) : []),
    ...(reads ? inCall(calls.openat, opening(2, options)) : []),
    give(ALLOW),
  ];
  return Buffer.concat(program);
}

function opening(flags: number, { kvm, files }: FilterOptions): Buffer[] {
  return [
    load(fields.argument(flags)),
    ...(files === "memoryAtZero" ? when(equal, O_RDWR, errno(0)) : []),
    // How QEMU opens /dev/kvm.
    ...(kvm ? when(equal, O_RDWR | O_CLOEXEC, ALLOW) : []),
    ...when(anyBit, WRITE_FLAGS, EPERM),
  ];
}

// The kernel's classic BPF: an operation, how many instructions to skip if true and if false, and an operand.
const equal = 0x15;
const atLeast = 0x35;
const anyBit = 0x45;

function instruction(code: number, ifTrue: number, ifFalse: number, operand: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(operand, 4);
  return bytes;
}

const load = (offset: number): Buffer => instruction(0x20, 0, 0, offset);
const give = (verdict: number): Buffer => instruction(0x06, 0, 0, verdict >>> 0);
const when = (test: number, operand: number, verdict: number): Buffer[] => [
  instruction(test, 0, 1, operand),
  give(verdict),
];
const unless = (test: number, operand: number, verdict: number): Buffer[] => [
  instruction(test, 1, 0, operand),
  give(verdict),
];
/** Checks of one call's arguments; every other call goes on with its number loaded. */
const inCall = (call: number, checks: readonly Buffer[]): Buffer[] => [
  instruction(equal, 0, checks.length + 1, call),
  ...checks,
  give(ALLOW),
];
