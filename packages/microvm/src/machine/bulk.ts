import { readSync, writeSync } from "node:fs";
import { type Bulk, BULK_SIZE, slotOffset } from "@emberbox/wire";
import { openHole, openScratch, sparse } from "./files.ts";

/** This program's side of a machine's bulk device. */
export interface HostBulk extends Bulk {
  /** From now on its descriptor may be another file's. */
  close(): void;
}

const HOST = 1;
const GUEST = 2;

/** Opens an empty device, in memory: this program must not wait for a disk. Where that is not possible, in `run`. */
export async function openBulk(run: string): Promise<number> {
  return (await openHole(BULK_SIZE, 0o600)) ?? openScratch(run, sparse(BULK_SIZE));
}

/** Copies of some 100 KiB in memory take less than handing them to a thread would. */
export function hostBulk(descriptor: number): HostBulk {
  let isClosed = false;
  return {
    put(slot, data) {
      if (isClosed) return false;
      try {
        for (let done = 0; done < data.length;)
          done += writeSync(
            descriptor,
            data,
            done,
            data.length - done,
            slotOffset(HOST, slot) + done,
          );
        return true;
      } catch {
        return false; // The disk is full, for example.
      }
    },
    take(slot, bytes) {
      const closed = Object.assign(new Error("the machine ended"), { code: "ECONNRESET" });
      if (isClosed) throw closed;
      const data = Buffer.allocUnsafeSlow(bytes);
      const read = readSync(descriptor, data, 0, bytes, slotOffset(GUEST, slot));
      if (read < bytes) throw new Error("a bulk frame for data that is not there");
      return data;
    },
    close() {
      isClosed = true;
    },
  };
}
