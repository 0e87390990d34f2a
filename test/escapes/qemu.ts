import { homedir } from "node:os";
import type { Attempt } from "./attempt.ts";
import { type Probed, type ProbeWorld, SHARED_FILES } from "./probe.ts";
import type { World } from "./world.ts";

interface Piece extends Omit<Attempt, "run" | "refusedBy"> {
  /** Perl whose value is what was seen. */
  readonly perl: string;
}

const EPERM = /^Operation not permitted$/;
const MISSING = /^No such file or directory$/;
const qemu = (id: string, tries: string, perl: string, refused: RegExp = EPERM): Piece => ({
  id: `qemu.${id}`,
  tries,
  perl,
  refused,
});
/** Each of several system calls, with its refusal. */
const calls = (...each: string[]): string =>
  `join(" | ", ${each.map((one) => `call(${one})`).join(", ")})`;
const NOT_CALLED = "(Operation not permitted|Function not implemented)";
const all = (one: string): RegExp => new RegExp(`^(${one}( \\| |$))+$`);
const path = (place: string): string => `slurp(${JSON.stringify(place)})`;

/** The descriptors of `machine/arguments.ts`. */
const [RAM, KERNEL, INITRD, IMAGE, TEMPLATE, OVERLAY, FOLDERS, LAYER] = [
  ...[7, 8, 9, 10, 11, 12, 16, 17],
] as const;
const READ_ONLY = [0, RAM, KERNEL, INITRD, IMAGE, TEMPLATE, FOLDERS, LAYER];
const READ_ONLY_NAMES = READ_ONLY.map((fd) => `/proc/self/fd/${fd}`);
/** For each of several names, what a call says. */
const each = (names: readonly string[], call: (name: string) => string): string =>
  calls(...names.map((name) => call(JSON.stringify(name))));

/** By the QEMU process, once code in its sandbox has taken it over. A program in its place does what it could do. */
export const pieces: readonly Piece[] = [
  qemu("files", "look around", `names("/")`, /^(dev|etc|lib|lib64|proc|usr| )+$/),
  qemu(
    "etc",
    "read the host's settings",
    `names("/etc") . " " . ${path("/etc/passwd")}`,
    /^ld.so.cache No such file or directory$/,
  ),
  qemu("home", "read a home directory", `names(${JSON.stringify(homedir())})`, MISSING),
  qemu(
    "programs",
    "run the host's programs",
    `exec("/bin/sh", "-c", "echo GOT"); exec("/usr/bin/id"); "$!"`,
    MISSING,
  ),
  qemu("sys", "look at the host's devices in /sys", `names("/sys")`, MISSING),
  qemu(
    "dev",
    "find a device",
    `names("/dev")`,
    /^(console|core|fd|full|kvm|null|ptmx|pts|random|shm|stderr|stdin|stdout|tty|urandom|zero| )+$/,
  ),
  qemu(
    "up",
    "leave by the directory of an open file",
    `names("/proc/self/fd/${RAM}/..") . " | " . names("/proc/self/cwd/..")`,
    /^Not a directory \| (dev|etc|lib|lib64|proc|usr| )+$/,
  ),
  qemu(
    "others",
    "see other processes",
    `join " ", grep { /^\\d+$/ } split " ", names("/proc")`,
    /^1( \d+){1,2}$/,
  ),
  qemu(
    "kill",
    "kill what it can see, also by the other calls there are",
    calls(
      "62, 1, 9",
      "62, -1, 9",
      "200, 1, 9",
      "129, 1, 9, 0",
      "297, 1, 1, 9, 0",
      "424, 3, 9, 0, 0",
    ),
    all(NOT_CALLED),
  ),
  qemu(
    "parent",
    "signal the program that started it",
    `my $first = getppid(); "its parent is the jail's first process, $first: " . join " | ", call(62, $first, 15), call(109, 0, $first)`,
    /^its parent is the jail's first process, 1: (Operation not permitted( \| |$)){2}$/,
  ),
  qemu(
    "environment",
    "read the host's environment",
    `join " ", grep { $_ ne "PWD" } keys %ENV`,
    /^$/,
  ),
  qemu(
    "descriptors",
    "use a descriptor that was left open",
    `join " ", sort { $a <=> $b } grep { my $to = readlink("/proc/self/fd/$_"); defined $to && $to ne "/dev/null" } split " ", names("/proc/self/fd")`,
    /^0 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32$/,
  ),
  qemu(
    "template-write",
    "write to the memory that all sandboxes of a template share",
    calls(`1, ${RAM}, "GOT", 3`, `1, 0, "GOT", 3`, `18, ${RAM}, "GOT", 3, 4096`),
    all("Bad file descriptor"),
  ),
  qemu(
    "template-reopen",
    "open that memory anew, to write",
    `sysopen(my $f, "/proc/self/fd/${RAM}", 2) ? (syswrite($f, "GOT") ? "GOT" : "$!") : "$!"`,
    /^(Bad file descriptor|Operation not permitted|Permission denied|Read-only file system)$/,
  ),
  qemu(
    "template-append",
    "open it in the other ways there are",
    calls(
      `2, "/proc/self/fd/${RAM}", 1, 0`,
      `2, "/proc/self/fd/${RAM}", 1026, 0`,
      `257, -100, "/proc/self/fd/${RAM}", 1, 0`,
      `257, -100, "/proc/self/fd/${RAM}", 514, 0`,
    ),
    all("Operation not permitted"),
  ),
  qemu(
    "template-map",
    "map that memory to write to it",
    calls(`9, 0, 4096, 3, 1, ${RAM}, 0`, `9, 0, 4096, 3, 1, 0, 0`),
    all("Permission denied"),
  ),
  qemu(
    "template-mode",
    "let itself write to it",
    calls(
      `91, ${RAM}, 438`,
      `90, "/proc/self/fd/${RAM}", 438`,
      `268, -100, "/proc/self/fd/${RAM}", 438`,
      `93, ${RAM}, 0, 0`,
    ),
    all("Operation not permitted"),
  ),
  qemu(
    "template-cut",
    "truncate it",
    calls(`77, ${RAM}, 0`, `76, "/proc/self/fd/${RAM}", 0`, `285, ${RAM}, 3, 0, 4096`),
    /^(Invalid argument|Bad file descriptor) \| Operation not permitted \| Bad file descriptor$/,
  ),
  qemu(
    "image-write",
    "write to the image and to the template's disk",
    calls(
      `1, ${IMAGE}, "GOT", 3`,
      `1, ${TEMPLATE}, "GOT", 3`,
      `2, "/proc/self/fd/${IMAGE}", 1, 0`,
      `257, -100, "/proc/self/fd/${TEMPLATE}", 1, 0`,
    ),
    /^Bad file descriptor \| Bad file descriptor \| Operation not permitted \| Operation not permitted$/,
  ),
  qemu(
    "kvm-reopen",
    "open the image, the kernel, the template and a layer to write, as the filter lets QEMU open /dev/kvm",
    each(READ_ONLY_NAMES, (name) => `257, -100, ${name}, 524290, 0`),
    all("(Operation not permitted|Permission denied|Read-only file system)"),
  ),
  qemu(
    "change-mode",
    "let itself write to them, by every call that changes a mode or an owner",
    each(
      READ_ONLY_NAMES,
      (name) => `90, ${name}, 438), call(268, -100, ${name}, 438), call(452, -100, ${name}, 438, 0`,
    ),
    all(NOT_CALLED),
  ),
  qemu(
    "create",
    "make files and directories",
    calls(
      `2, "/x", 66, 384`,
      `257, -100, "/dev/shm/x", 66, 384`,
      `85, "/tmp/x", 384`,
      `83, "/dev/x", 448`,
      `88, "/x", "/dev/y"`,
      `257, -100, "/dev", 4259842, 384`,
    ),
    all("Operation not permitted"),
  ),
  qemu(
    "proc-write",
    "change the kernel's settings",
    `join " | ", map { sysopen(my $f, $_, 1) ? "GOT" : "$!" } "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/net/ipv4/ip_forward"`,
    all(
      "(Operation not permitted|Permission denied|No such file or directory|Read-only file system)",
    ),
  ),
  qemu(
    "unreadable-calls",
    "open and write by calls whose arguments a filter does not see",
    calls(`437, -100, "/proc/self/fd/${RAM}", 0, 24`, "425, 8, 0", "435, 0, 0"),
    all("Function not implemented"),
  ),
  qemu(
    "new-calls",
    "use calls that came after the filter was written",
    calls(
      ...[463, 464, 465, 466, 467, 468, 469, 470, 480, 500, 1000].map((n) => `${n}, -100, 0, 0, 0`),
    ),
    all("Function not implemented"),
  ),
  qemu(
    "memory-file",
    "make a file of memory, and run what is in it",
    calls(`319, "x", 0`, `447, 0`, `322, 3, "", 0, 0, 4096`),
    all(NOT_CALLED),
  ),
  qemu(
    "socket-pairs",
    "make a pair of sockets of every family",
    calls(...Array.from({ length: 46 }, (_, family) => `53, ${family}, 1, 0, pack("x8")`)),
    all("Operation not permitted"),
  ),
  qemu(
    "merge",
    "have its memory merged with others', or put into core dumps again",
    calls("28, 0, 4096, 12", "28, 0, 4096, 17", "157, 67, 1, 0, 0, 0", "157, 4, 1, 0, 0, 0"),
    all("Operation not permitted"),
  ),
  qemu(
    "requests",
    "ask devices for what QEMU never asks",
    // TIOCSTI, TIOCLINUX, FICLONE, FS_IOC_SETFLAGS, FIDEDUPERANGE
    calls(
      "16, 2, 21522, 0",
      "16, 2, 21532, 0",
      "16, 12, 1074041865, 10",
      "16, 10, 1074292226, 0",
      "16, 12, 3222836278, 0",
    ),
    all("Operation not permitted"),
  ),
  qemu(
    "fork",
    "make processes",
    calls("57", "58", "56, 17, 0, 0, 0, 0", "435, 0, 88"),
    all(NOT_CALLED),
  ),
  qemu(
    "network",
    "open a connection",
    calls(
      "41, 2, 1, 0",
      "41, 2, 2, 0",
      "41, 10, 1, 0",
      "41, 17, 3, 768",
      "41, 16, 3, 0",
      "41, 40, 1, 0",
      "41, 38, 5, 0",
    ),
    all("Operation not permitted"),
  ),
  qemu(
    "unix",
    "connect to a service of the host",
    `join " | ", map { my $at = pack("Sa*", 1, $_); (call(41, 1, 1, 0), call(42, 5, $at, length $at), names($_)) } "/run/dbus/system_bus_socket", "/var/run/docker.sock", "\\0emberbox-escape-attempt"`,
    /^((Operation not permitted \| ){2}(No such file or directory)?( \| |$))+$/,
  ),
  qemu(
    "pair",
    "send descriptors to nowhere",
    `names("/proc/net/unix") . " " . slurp("/proc/net/dev")`,
    /^Not a directory GOT [^]*\blo:(?![^]*\beth)/,
  ),
  qemu(
    "ptrace",
    "read other processes",
    calls(
      "101, 16, 1, 0, 0",
      "310, 1, 0, 0, 0, 0, 0",
      "311, 1, 0, 0, 0, 0, 0",
      "434, 1, 0",
      "438, 3, 0, 0",
      "312, 1, 1, 0, 0, 0",
    ),
    all(NOT_CALLED),
  ),
  qemu(
    "namespaces",
    "make or enter namespaces",
    calls("272, 268435456", "272, 1073741824", "56, 268435473, 0, 0, 0, 0", "308, 3, 0"),
    all("Operation not permitted"),
  ),
  qemu(
    "mounts",
    "mount, or change the root directory",
    calls(
      `165, "none", "/dev", "tmpfs", 0, 0`,
      `166, "/proc", 2`,
      `161, "/usr"`,
      `155, "/", "/"`,
      `428, -100, "/", 0`,
      `430, "tmpfs", 0`,
      `442, -1, "", 0, 0, 0`,
    ),
    all(NOT_CALLED),
  ),
  qemu(
    "privileges",
    "have privileges",
    `slurp("/proc/self/status") =~ /NoNewPrivs:\\s+1/ && slurp("/proc/self/status") =~ /CapEff:\\s+0+ .*|CapEff:\\s+0{16}\\b/ && slurp("/proc/self/status") =~ /CapBnd:\\s+0{16}\\b/ ? "none" : "GOT"`,
    /^none$/,
  ),
  qemu(
    "identity",
    "become another user, root too",
    calls("105, 0", "117, 0, 0, 0", "106, 0", "116, 1, 0"),
    all("(Operation not permitted|Invalid argument)"),
  ),
  qemu(
    "setuid",
    "run a program that grants privileges",
    `exec("/usr/bin/sudo", "id"); exec("/usr/bin/su"); exec("/usr/bin/newuidmap"); "$!"`,
    MISSING,
  ),
  qemu(
    "modules",
    "load modules, or another kernel",
    calls(
      "175, 0, 0, 0",
      "313, 0, 0, 0",
      `176, "x", 0`,
      "246, 0, 0, 0, 0",
      "320, 0, 0, 0, 0, 0",
      "169, 0, 0, 0",
    ),
    all("Operation not permitted"),
  ),
  qemu(
    "kernel-corners",
    "use bpf, perf, keys, userfaultfd, file handles",
    calls(
      "321, 0, 0, 0",
      "298, 0, 0, 0, 0, 0",
      "248, 0, 0, 0, 0, 0",
      "250, 0, 0, 0",
      "323, 0",
      "304, 0, 0, 0",
      "300, 0, 0",
    ),
    all(NOT_CALLED),
  ),
  qemu(
    "ports",
    "use the processor's ports",
    calls("172, 3", "173, 0, 1, 1", "154, 0, 0, 0"),
    all("Operation not permitted"),
  ),
  qemu(
    "clock",
    "set the host's clock or name",
    calls("227, 0, 0", "164, 0, 0", "305, 0, 0", `170, "x", 1`),
    all("Operation not permitted"),
  ),
  qemu(
    "device-node",
    "make a device",
    calls(`133, "/dev/disk", 24960, 2048`, `259, -100, "/dev/mem", 8576, 257`),
    all("Operation not permitted"),
  ),
  qemu("kernel-log", "read the kernel's log", calls("103, 3, 0, 0"), EPERM),
  qemu(
    "terminal",
    "type into the terminal of whoever started it",
    `sysopen(my $t, "/dev/tty", 0) ? "GOT" : "$!"`,
    /^No such device or address$/,
  ),
  qemu(
    "limits",
    "raise its limits",
    calls(
      `302, 0, 4, pack("QQ", 1 << 40, 1 << 40), 0`,
      `302, 0, 1, pack("QQ", 1 << 60, 1 << 60), 0`,
      `302, 0, 7, pack("QQ", 100000, 100000), 0`,
      `302, 0, 9, pack("QQ", 1 << 60, 1 << 60), 0`,
    ),
    all("Operation not permitted"),
  ),
  qemu(
    "memory-bomb",
    "take all memory",
    calls("9, 0, 17179869184, 3, 34, -1, 0"),
    /^Cannot allocate memory$/,
  ),
  qemu(
    "disk-bomb",
    "fill the host's disk",
    calls(`18, ${OVERLAY}, "GOT", 3, 1099511627776`),
    /^File too large$/,
  ),
  qemu(
    "descriptor-bomb",
    "open files without end",
    `my $n = 0; $n++ while call(32, 0) =~ /GOT/ && $n < 100_000; "$! after " . ($n < 512 ? "less than 512" : "GOT $n")`,
    /^Too many open files after less than 512$/,
  ),
];

/** What was seen in the first world where it got through, else in the first of all. */
function judge(all: readonly Probed[], id: string, refused: RegExp) {
  const seen = all.map(({ world, probe }) => ({ world, what: probe.get(id) }));
  const missing = seen.filter(({ what }) => what === undefined);
  const through = seen.find(({ what }) => !refused.test(what ?? ""));
  const { world, what } = through ?? seen[0]!;
  return {
    delivered:
      missing.length > 0
        ? ""
        : `run in QEMU's place: ${seen.map((one) => nameOf(one.world)).join(", ")}`,
    seen: through ? `${nameOf(world)}: ${what}` : what!,
  };
}

const nameOf = ({ accelerator, user }: ProbeWorld): string =>
  `${accelerator === "kvm" ? "KVM" : "TCG"} as ${user}`;

export const qemuAttempts: readonly Attempt[] = [
  ...pieces.map(({ id, tries, refused }) => ({
    id,
    tries,
    refused,
    refusedBy: "the jail",
    run: async ({ probes }: World) => judge(await probes(), id, refused),
  })),
  {
    id: "qemu.poison",
    tries: "leave a mark in a file that its siblings start from, by any of these attempts",
    refused: /^as they were$/,
    refusedBy: "the jail",
    run: async ({ probes }: World) => judge(await probes(), SHARED_FILES, /^as they were$/),
  },
];
