import {
  ALLOW,
  errno,
  fields,
  give,
  inCall,
  load,
  unless,
  when,
} from "../../packages/microvm/src/machine/bpf.ts";

const X86_64 = 0xc000003e;
const EPERM = errno(1);
const ENOSYS = errno(38);
const CLONE = 56;
const CLONE3 = 435;
/** The flags of `clone` for each kind of namespace. */
const NAMESPACES = 0x7e020000;
const SOCKET = 41;
const AF_VSOCK = 40;

/** What Docker's profile forbids to whom lacks CAP_SYS_ADMIN, CAP_SYS_NICE and the like: numbers are x86-64's. */
const REFUSED = [
  ...[103, 135, 155, 163, 165, 166, 167, 168, 169, 170, 171, 175, 176, 179], // syslog … quotactl
  ...[237, 238, 239, 246, 248, 249, 250, 272, 279], // mbind … move_pages
  ...[298, 303, 304, 308, 313, 320, 321, 323], // perf_event_open … userfaultfd
  ...[425, 426, 427, 428, 429, 430, 431, 432, 433, 442], // io_uring, and the newer calls that mount
];

/** A filter of system calls like the one that container engines give to a program by default. */
export const containerCalls: Buffer = Buffer.concat([
  load(fields.architecture),
  ...unless("equal", X86_64, EPERM),
  load(fields.call),
  ...REFUSED.flatMap((call) => when("equal", call, EPERM)),
  ...when("equal", CLONE3, ENOSYS),
  ...inCall(CLONE, [load(fields.argument(0)), ...when("anyBit", NAMESPACES, EPERM), give(ALLOW)]),
  ...inCall(SOCKET, [load(fields.argument(0)), ...when("equal", AF_VSOCK, EPERM), give(ALLOW)]),
  give(ALLOW),
]);
