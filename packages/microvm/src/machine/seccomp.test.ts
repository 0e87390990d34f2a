import { describe, expect, test } from "vitest";
import { ALLOW, errno, KILL_PROCESS, operations } from "./bpf.ts";
import { type CallName, calls } from "./calls.ts";
import { AUDIT, type FilterOptions, seccompFilter } from "./seccomp.ts";

const EPERM = errno(1);
const ENOSYS = errno(38);

/** What the kernel does with a filter: runs it over a call's number, architecture and arguments. */
function verdict(
  filter: Buffer,
  call: number,
  args: readonly (number | bigint)[],
  architecture: number,
): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call >>> 0, 0);
  data.writeUInt32LE(architecture, 4);
  args.forEach((arg, index) =>
    data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(arg)), 16 + 8 * index),
  );
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const code = filter.readUInt16LE(at * 8);
    const operand = filter.readUInt32LE(at * 8 + 4);
    const skip = (isTrue: boolean): number => filter.readUInt8(at * 8 + (isTrue ? 2 : 3));
    if (code === operations.load) accumulator = data.readUInt32LE(operand);
    else if (code === operations.and) accumulator = (accumulator & operand) >>> 0;
    else if (code === operations.give) return operand;
    else if (code === operations.equal) at += skip(accumulator === operand);
    else if (code === operations.atLeast) at += skip(accumulator >= operand);
    else if (code === operations.anyBit) at += skip((accumulator & operand) !== 0);
    else throw new Error(`instruction ${code} is not known`);
  }
}

const worlds: readonly FilterOptions[] = (["x64", "arm64"] as const).flatMap((architecture) =>
  [true, false].flatMap((kvm) =>
    (["writing", "reading", "memoryAtZero"] as const).map((files) => ({
      architecture,
      kvm,
      files,
    })),
  ),
);

/** Calls that no filter names: fork, vfork; socketpair, bind, listen, accept, accept4. */
const unnamed = {
  x64: { processes: [57, 58], sockets: [43, 49, 50, 53, 288] },
  arm64: { processes: [], sockets: [199, 200, 201, 202, 242] },
} as const;

describe.each(worlds)("the filter, $architecture, KVM $kvm, $files", (options) => {
  const { architecture, kvm, files } = options;
  const filter = seccompFilter(options);
  const known = calls[architecture];
  const of = (call: CallName | number, ...args: (number | bigint)[]): number =>
    verdict(filter, typeof call === "number" ? call : known[call]!, args, AUDIT[architecture]);

  test("refuses every call that it does not name, later kernels' too", () => {
    const named = new Set<number>(Object.values(known));
    for (let call = 0; call < 1024; call++)
      if (!named.has(call)) expect(of(call), String(call)).toBe(call < 424 ? EPERM : ENOSYS);
    for (const call of [100_000, 0x3fff_ffff]) expect(of(call)).toBe(ENOSYS);
  });

  test("ends a process that makes calls in other numbers than this architecture's", () => {
    for (const other of [0x40000003, 0x40000028, AUDIT[architecture === "x64" ? "arm64" : "x64"]])
      expect(verdict(filter, known.read!, [], other)).toBe(KILL_PROCESS);
    for (const call of [0x4000_0000, 0x4000_0027, 0xffff_ffff]) expect(of(call)).toBe(KILL_PROCESS);
  });

  test("opens files to read, and to write as little as there is need for", () => {
    for (const [call, before] of [
      ["open", [0]],
      ["openat", [-100, 0]],
    ] as const) {
      if (known[call] === undefined) continue;
      const open = (flags: number): number => of(call, ...before, flags);
      const write = files === "writing" ? ALLOW : EPERM;
      expect(open(0o2000000)).toBe(ALLOW);
      expect(open(0o1)).toBe(write);
      expect(open(0o2)).toBe(files === "memoryAtZero" ? errno(0) : write);
      expect(open(0o2000002)).toBe(kvm ? ALLOW : write);
      for (const flags of [0o100, 0o102, 0o1001, 0o2001102, 0o20200002, 0o20000000])
        expect(open(flags), flags.toString(8)).toBe(EPERM);
    }
  });

  test("makes threads, and neither processes nor namespaces", () => {
    expect(of("clone", 0x3d0f00)).toBe(ALLOW);
    for (const flags of [0, 17, 0x4111, 0x3d0f00 | 0x10000000, 0x3d0f00 | 17])
      expect(of("clone", flags)).toBe(EPERM);
    for (const call of unnamed[architecture].processes) expect(of(call)).toBe(EPERM);
    expect(of(435)).toBe(ENOSYS);
  });

  test("has no sockets but the one that a template's state is sent to", () => {
    expect(of("socket", 1)).toBe(files === "writing" ? ALLOW : EPERM);
    expect(of("connect")).toBe(files === "writing" ? ALLOW : EPERM);
    for (const family of [0, 2, 10, 16, 17, 38, 40]) expect(of("socket", family)).toBe(EPERM);
    for (const call of unnamed[architecture].sockets) expect(of(call)).toBe(EPERM);
  });

  test("looks at the arguments that matter", () => {
    expect(of("ioctl", 3, 0x5401)).toBe(ALLOW);
    expect(of("ioctl", 3, 0x5412)).toBe(EPERM); // TIOCSTI
    expect(of("ioctl", 3, 0x4020ae46)).toBe(kvm ? ALLOW : EPERM);
    expect(of("ioctl", 3, 0x40049409)).toBe(EPERM); // FICLONE
    expect(of("mprotect", 0, 4096, 7)).toBe(kvm ? EPERM : ALLOW);
    expect(of("mmap", 0, 4096, 6, 0x22)).toBe(kvm ? EPERM : ALLOW);
    expect(of("mmap", 0, 4096, 5, 2)).toBe(ALLOW);
    expect(of("madvise", 0, 4096, 4)).toBe(ALLOW);
    for (const advice of [12, 17, 100]) expect(of("madvise", 0, 4096, advice)).toBe(EPERM);
    expect(of("prctl", 22)).toBe(ALLOW);
    for (const option of [4, 23, 47, 67, 0x59616d61]) expect(of("prctl", option)).toBe(EPERM);
    expect(of("prlimit64", 0, 7, 0)).toBe(ALLOW);
    for (const limits of [1, 0x1_0000_0000n]) expect(of("prlimit64", 0, 7, limits)).toBe(EPERM);
    expect(of("seccomp", 1, 1)).toBe(ALLOW);
    expect(of("seccomp", 1, 8)).toBe(EPERM);
    expect(of("fcntl", 3, 1030)).toBe(ALLOW);
    for (const command of [8, 10, 1024, 1031, 1033]) expect(of("fcntl", 3, command)).toBe(EPERM);
  });
});
