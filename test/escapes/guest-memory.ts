import { readFileSync } from "node:fs";
import { machinesOf } from "../support/processes.ts";
import type { Attempt } from "./attempt.ts";
import type { Outcome } from "./world.ts";

/** A mapping of the guest's memory in a QEMU of this program: the kernel's flags for it. */
interface GuestMemory {
  readonly pid: number;
  readonly bytes: number;
  readonly flags: readonly string[];
}

/** The parts of QEMU's memory that are the guest's: mapped from a template's or a sandbox's own file. */
function guestMemories(): GuestMemory[] {
  return machinesOf().flatMap(({ pid }) =>
    readFileSync(`/proc/${pid}/smaps`, "utf8")
      .split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)
      .filter((mapping) => /^\S+ rw-p .* \/.*(ram|\(deleted\))$/m.test(mapping.split("\n")[0]!))
      .map((mapping) => ({
        pid,
        bytes: Number(/^Size:\s+(\d+) kB/m.exec(mapping)![1]) * 1024,
        flags: /^VmFlags: (.*)/m.exec(mapping)![1]!.trim().split(" "),
      }))
      .filter(({ bytes }) => bytes >= 256 * 1024 * 1024),
  );
}

async function look(finding: (memory: GuestMemory) => string): Promise<Outcome> {
  const memories = guestMemories();
  const gib = memories.reduce((sum, { bytes }) => sum + bytes, 0) / 1024 ** 3;
  return {
    delivered: memories.length === 0 ? "" : `${memories.length} machines, ${gib.toFixed(1)} GiB`,
    seen: [...new Set(memories.map(finding))].join(" | "),
  };
}

/** By a program of the host, a crash handler or the kernel's merging of pages: what a sandbox holds leaves QEMU. */
export const memoryAttempts: readonly Attempt[] = [
  {
    id: "host.core-dump",
    tries:
      "have a sandbox's memory in the core dump of a QEMU that crashes, in a file or piped to a program",
    refused: /^limit ([01]) to \1, not dumped$/,
    refusedBy: "the kernel",
    run: () =>
      look(({ pid, flags }) => {
        const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
        const [, soft, hard] = /^Max core file size\s+(\S+)\s+(\S+)/m.exec(limits)!;
        return `limit ${soft} to ${hard}, ${flags.includes("dd") ? "not dumped" : "DUMPED"}`;
      }),
  },
  {
    id: "host.mergeable",
    tries: "learn what another sandbox's memory holds by how long a write to a merged page takes",
    refused: /^not mergeable$/,
    refusedBy: "the kernel",
    run: () => look(({ flags }) => (flags.includes("mg") ? "MERGEABLE" : "not mergeable")),
  },
];
