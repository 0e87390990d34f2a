import { type FileHandle, open, readFile } from "node:fs/promises";
import { EmberboxError } from "@emberbox/core";
import { statFd } from "../host/descriptors.ts";
import { whole } from "../host/whole.ts";
import { qemuProcess } from "../host/qemu-process.ts";

export const PAGE_BYTES = 4096;

/** Consecutive pages of the guest's memory. */
export interface Run {
  readonly page: number;
  readonly count: number;
}

/** Adds a page behind those that are there. */
export function addPage(runs: { page: number; count: number }[], page: number): void {
  const last = runs.at(-1);
  if (last !== undefined && last.page + last.count === page) last.count++;
  else runs.push({ page, count: 1 });
}

/** Where QEMU has mapped a part of the guest's memory. */
interface Mapping {
  readonly address: number;
  readonly bytes: number;
  /** Where the part begins in the guest's memory. */
  readonly offset: number;
}

/**
 * The guest's memory as QEMU has it: a private mapping of a file. What the guest has written to differs from the
 * file and is QEMU's own; the kernel tells which pages these are (`/proc/<pid>/pagemap`), so nothing is compared.
 */
export interface GuestMemory extends AsyncDisposable {
  /** The pages that are no longer those of the file, in order. */
  changed(): Promise<Run[]>;
  read(run: Run, into: Buffer): Promise<void>;
  write(run: Run, from: Buffer): Promise<void>;
}

/** @throws `unsupported` where this process may not look into QEMU's memory */
export async function openGuestMemory(jailPid: number, ramFd: number): Promise<GuestMemory> {
  const pid = await qemuProcess(jailPid);
  if (pid === undefined) throw new EmberboxError("sandbox_died", "QEMU is not there any more");
  const mappings = await findMappings(pid, ramFd);
  const files: FileHandle[] = [];
  try {
    files.push(await open(`/proc/${pid}/mem`, "r+"), await open(`/proc/${pid}/pagemap`, "r"));
  } catch (cause) {
    for (const file of files) await file.close();
    throw new EmberboxError(
      "unsupported",
      `this program may not look into QEMU's memory, which saving and restoring need: ${(cause as Error).message}`,
      {
        cause,
        hint: "Allow ptrace between processes of this user (kernel.yama.ptrace_scope ≤ 1).",
      },
    );
  }
  const [mem, pagemap] = files as [FileHandle, FileHandle];
  return {
    async changed() {
      const runs: Run[] = [];
      for (const mapping of mappings) runs.push(...(await changedIn(mapping, pagemap)));
      return runs;
    },
    read: (run, into) =>
      eachPart(mappings, run, (address, from, to) =>
        whole((done) => mem.read(into, from + done, to - from - done, address + done), to - from),
      ),
    write: (run, from) =>
      eachPart(mappings, run, (address, begin, end) =>
        whole(
          (done) => mem.write(from, begin + done, end - begin - done, address + done),
          end - begin,
        ),
      ),
    async [Symbol.asyncDispose]() {
      for (const file of files) await file.close();
    },
  };
}

async function findMappings(pid: number, ramFd: number): Promise<Mapping[]> {
  const { ino, size } = await statFd(ramFd);
  const mappings = (await readFile(`/proc/${pid}/maps`, "utf8"))
    .split("\n")
    .map((line) => /^(\w+)-(\w+) \S+ (\w+) \S+ (\d+)/.exec(line))
    .filter((match) => match?.[4] === String(ino))
    .map((match) => {
      const [start, end, offset] = match!.slice(1, 4).map((part) => Number.parseInt(part, 16));
      return { address: start!, bytes: end! - start!, offset: offset! };
    });
  // QEMU is not trusted: memory that it maps more than once would be saved more than once.
  const mapped = mappings.reduce((sum, { bytes }) => sum + bytes, 0);
  if (mapped === size) return mappings;
  throw new EmberboxError("sandbox_died", "QEMU does not have its guest's memory as it should");
}

const ENTRY_BYTES = 8;
/** Bits of the upper half of an entry: the page is there or swapped out, and belongs to the file. */
const PRESENT = 0xc000_0000;
const OF_FILE = 0x2000_0000;

async function changedIn(mapping: Mapping, pagemap: FileHandle): Promise<Run[]> {
  const entries = Buffer.allocUnsafe((mapping.bytes / PAGE_BYTES) * ENTRY_BYTES);
  const at = (mapping.address / PAGE_BYTES) * ENTRY_BYTES;
  await whole(
    (done) => pagemap.read(entries, done, entries.length - done, at + done),
    entries.length,
  );
  const runs: { page: number; count: number }[] = [];
  const first = mapping.offset / PAGE_BYTES;
  for (let index = 0; index * ENTRY_BYTES < entries.length; index++) {
    const flags = entries.readUInt32LE(index * ENTRY_BYTES + 4);
    if ((flags & PRESENT) === 0 || (flags & OF_FILE) !== 0) continue;
    addPage(runs, first + index);
  }
  return runs;
}

/** Does work for each part of a run that lies in one mapping: its address, and its bytes in the run. */
async function eachPart(
  mappings: readonly Mapping[],
  run: Run,
  work: (address: number, from: number, to: number) => Promise<void>,
): Promise<void> {
  const [begin, end] = [run.page * PAGE_BYTES, (run.page + run.count) * PAGE_BYTES];
  for (const { address, bytes, offset } of mappings) {
    const [from, to] = [Math.max(begin, offset), Math.min(end, offset + bytes)];
    if (from < to) await work(address + from - offset, from - begin, to - begin);
  }
}
