import {
  ALLOW,
  errno,
  fields,
  give,
  inCall,
  KILL_PROCESS,
  load,
  mask,
  unless,
  when,
} from "./bpf.ts";
import type { Architecture } from "../host/architecture.ts";
import { type CallName, calls, FIRST_OPTIONAL_CALL } from "./calls.ts";

/**
 * What a machine may do with files. Making a template takes `writing`; a sandbox is `reading` only. QEMU before 8.2
 * opens its memory file for writing even to map it privately, for which the kernel does not require that right. With
 * `memoryAtZero` that call is not made but answered with "descriptor 0", where the file is open for reading.
 */
export interface FilterOptions {
  /** The host's: it is QEMU's calls that are filtered, whatever machine it runs. */
  readonly architecture: Architecture;
  readonly kvm: boolean;
  readonly files: "writing" | "reading" | "memoryAtZero";
}

/** What the kernel calls them. */
export const AUDIT: Readonly<Record<Architecture, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };
/** x86-64 has a second set of calls from here on; no other architecture has any. */
const X32 = 0x40000000;
const EPERM = errno(1);
const ENOSYS = errno(38);

/**
 * Calls that are allowed whatever their arguments: seen while templates were made and sandboxes were restored, saved,
 * resumed, booted and reset, with TCG and with KVM, and what newer releases of QEMU and of the C library are known to
 * use.
 */
const FREE: readonly CallName[] = [
  // Open files, and channels. Whoever opened a file decided what for.
  ...(["read", "readv", "pread64", "preadv", "preadv2"] as const),
  ...(["write", "writev", "pwrite64", "pwritev", "pwritev2"] as const),
  ...(["close", "close_range", "lseek", "dup", "dup2", "dup3"] as const),
  ...(["ftruncate", "fallocate", "fsync", "fdatasync"] as const),
  ...(["fadvise64", "pipe", "pipe2", "eventfd2", "signalfd4"] as const),
  ...(["sendto", "sendmsg", "recvfrom", "recvmsg", "shutdown"] as const),
  ...(["getsockname", "getpeername", "getsockopt", "setsockopt"] as const),
  // Looking at names.
  ...(["stat", "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "access"] as const),
  ...(["faccessat", "faccessat2", "readlink", "readlinkat", "getdents64", "getcwd"] as const),
  // Waiting.
  ...(["poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl"] as const),
  ...(["epoll_wait", "epoll_pwait", "epoll_pwait2"] as const),
  ...(["timerfd_create", "timerfd_settime", "timerfd_gettime"] as const),
  ...(["nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres"] as const),
  ...(["gettimeofday", "time", "times", "restart_syscall"] as const),
  // Memory and threads of its own.
  ...(["brk", "munmap", "mremap", "membarrier", "get_mempolicy"] as const),
  ...(["futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq"] as const),
  ...(["set_tid_address", "arch_prctl", "exit", "exit_group"] as const),
  ...(["rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending"] as const),
  ...(["rt_sigtimedwait", "rt_sigsuspend", "sigaltstack", "tgkill"] as const),
  // What it is and where it runs.
  ...(["getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid"] as const),
  ...(["uname", "sysinfo", "getrusage", "getrlimit", "getcpu", "getrandom"] as const),
  ...(["sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler"] as const),
  ...(["sched_get_priority_max", "sched_get_priority_min"] as const),
  // bubblewrap: it becomes QEMU, and its first process waits for QEMU.
  ...(["execve", "wait4"] as const),
];

/**
 * The filter as `bwrap --seccomp` reads it. It is in place before QEMU starts, so it also holds where QEMU's own
 * filter, which QEMU installs itself, does not. Calls that it does not name are refused, including those of later
 * kernels.
 */
export function seccompFilter(options: FilterOptions): Buffer {
  const numbers = calls[options.architecture];
  const inCallOf = (name: CallName, checks: readonly Buffer[]): Buffer[] =>
    numbers[name] === undefined ? [] : inCall(numbers[name], checks);
  const allow = (name: CallName): Buffer[] =>
    numbers[name] === undefined ? [] : when("equal", numbers[name], ALLOW);
  const program = [
    load(fields.architecture),
    ...unless("equal", AUDIT[options.architecture], KILL_PROCESS),
    load(fields.call),
    ...when("atLeast", X32, KILL_PROCESS),
    // First, because KVM makes it more often than any other.
    ...inCallOf("ioctl", requests(options)),
    ...FREE.flatMap(allow),
    ...inCallOf("open", opening(1, options)),
    ...inCallOf("openat", opening(2, options)),
    ...inCallOf("fcntl", oneOf(1, FCNTL)),
    ...inCallOf("mmap", mapping(2, options)),
    ...inCallOf("mprotect", mapping(2, options)),
    ...inCallOf("madvise", oneOf(2, ADVICE)),
    ...inCallOf("clone", oneOf(0, THREAD)),
    ...inCallOf("prctl", oneOf(0, PRCTL)),
    ...inCallOf("prlimit64", onlyZero(2)),
    ...inCallOf("seccomp", [
      load(fields.argument(1)),
      ...when("anyBit", ~SECCOMP_FLAGS, EPERM),
      give(ALLOW),
    ]),
    ...(options.files === "writing"
      ? [
          ...inCallOf("socket", oneOf(0, [AF_UNIX])),
          ...allow("connect"), // Where it sends its state.
        ]
      : []),
    ...when("atLeast", FIRST_OPTIONAL_CALL, ENOSYS),
    give(EPERM),
  ];
  return Buffer.concat(program);
}

const oneOf = (argument: number, values: readonly number[]): Buffer[] => [
  load(fields.argument(argument)),
  ...values.flatMap((value) => when("equal", value, ALLOW)),
  give(EPERM),
];

const onlyZero = (argument: number): Buffer[] => [
  load(fields.argument(argument)),
  ...unless("equal", 0, EPERM),
  load(fields.upperHalf(argument)),
  ...unless("equal", 0, EPERM),
  give(ALLOW),
];

const O_RDWR = 0o2;
const O_CLOEXEC = 0o2000000;
/** O_CREAT, O_TRUNC, and O_TMPFILE's own bit. */
const MAKES_FILES = 0o100 | 0o1000 | 0o20000000;
const O_ACCMODE = 0o3;

/** The files that must not change cannot be opened for writing whatever the filter lets pass: see `read-only.ts`. */
function opening(flags: number, { kvm, files }: FilterOptions): Buffer[] {
  return [
    load(fields.argument(flags)),
    ...(files === "memoryAtZero" ? when("equal", O_RDWR, errno(0)) : []),
    // How QEMU opens /dev/kvm.
    ...(kvm ? when("equal", O_RDWR | O_CLOEXEC, ALLOW) : []),
    ...when("anyBit", files === "writing" ? MAKES_FILES : MAKES_FILES | O_ACCMODE, EPERM),
    give(ALLOW),
  ];
}

/** TCGETS, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX. */
const IOCTL = [0x5401, 0x541b, 0x5421, 0x5450, 0x5451];
/** The letter that all of KVM's requests have. */
const KVM_REQUESTS = 0xae00;

function requests({ kvm }: FilterOptions): Buffer[] {
  return [
    load(fields.argument(1)),
    ...IOCTL.flatMap((request) => when("equal", request, ALLOW)),
    ...(kvm ? [mask(0xff00), ...when("equal", KVM_REQUESTS, ALLOW)] : []),
    give(EPERM),
  ];
}

const WRITE_AND_RUN = 0x2 | 0x4;

/** TCG writes the code that it runs. With KVM nothing does: no memory may be writable and executable at once. */
function mapping(protection: number, { kvm }: FilterOptions): Buffer[] {
  if (!kvm) return [give(ALLOW)];
  return [
    load(fields.argument(protection)),
    mask(WRITE_AND_RUN),
    ...when("equal", WRITE_AND_RUN, EPERM),
    give(ALLOW),
  ];
}

/** F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC. */
const FCNTL = [0, 1, 2, 3, 4, 1030];

/**
 * NORMAL to DONTNEED, FREE, DONTFORK, HUGEPAGE, NOHUGEPAGE, DONTDUMP, POPULATE_*, GUARD_*. Not MERGEABLE, nor DODUMP,
 * which puts memory into core dumps again, nor those that evict pages that others share.
 */
const ADVICE = [0, 1, 2, 3, 4, 8, 10, 14, 15, 16, 22, 23, 102, 103];

/** How the GNU C library and musl create threads. Neither processes nor namespaces can be created. */
const THREAD = [0x3d0f00, 0x7d0f00];

/** PDEATHSIG, NAME (set and get), SECCOMP, TIMERSLACK, MCE_KILL, NO_NEW_PRIVS (set and get), of itself. */
const PRCTL = [1, 15, 16, 22, 29, 33, 38, 39];

/**
 * TSYNC, LOG, SPEC_ALLOW, TSYNC_ESRCH: filters can only be added. Not NEW_LISTENER: nobody answers in the kernel's
 * place.
 */
const SECCOMP_FLAGS = 1 | 2 | 4 | 16;

const AF_UNIX = 1;
