/** The kernel's classic BPF, as filters of system calls use it: eight bytes per instruction. */

/** Offsets in the kernel's `struct seccomp_data`. An argument has 64 bits, the lower half first. */
export const fields = {
  call: 0,
  architecture: 4,
  argument: (index: number): number => 16 + 8 * index,
  upperHalf: (index: number): number => 20 + 8 * index,
} as const;

export const operations = {
  load: 0x20,
  and: 0x54,
  equal: 0x15,
  atLeast: 0x35,
  anyBit: 0x45,
  give: 0x06,
} as const;

export type Test = "equal" | "atLeast" | "anyBit";

export const ALLOW = 0x7fff0000;
export const KILL_PROCESS = 0x80000000;
export const errno = (number: number): number => 0x00050000 | number;

/** How many instructions to skip if true and if false, and an operand. */
function instruction(code: number, ifTrue: number, ifFalse: number, operand: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(operand >>> 0, 4);
  return bytes;
}

export const load = (offset: number): Buffer => instruction(operations.load, 0, 0, offset);
export const mask = (bits: number): Buffer => instruction(operations.and, 0, 0, bits);
export const give = (verdict: number): Buffer => instruction(operations.give, 0, 0, verdict);

export const when = (test: Test, operand: number, verdict: number): Buffer[] => [
  instruction(operations[test], 0, 1, operand),
  give(verdict),
];

export const unless = (test: Test, operand: number, verdict: number): Buffer[] => [
  instruction(operations[test], 1, 0, operand),
  give(verdict),
];

/**
 * Checks of one call's arguments that end with a verdict; for every other call they are skipped, its number still
 * loaded.
 */
export const inCall = (call: number, checks: readonly Buffer[]): Buffer[] => [
  instruction(operations.equal, 0, checks.length, call),
  ...checks,
];
