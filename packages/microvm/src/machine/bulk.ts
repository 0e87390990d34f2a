import { constants, readSync, writeSync } from "node:fs";
import { truncate } from "node:fs/promises";
import { type Bulk, BULK_SIZE, slotOffset } from "@emberbox/wire";
import { closeFd, openFd, truncateFd } from "../host/descriptors.ts";
import { makeEmpty, openScratch } from "./files.ts";
import { closeFiles, type OpenFiles } from "./process.ts";

/** This program's side of a machine's bulk device. */
export interface HostBulk extends Bulk {
  /** From now on its descriptor may be another file's. */
  close(): void;
}

const HOST = 1;
const GUEST = 2;

/** Linux's flag for a file without a name, which goes with its last descriptor. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
const MEMORY = "/dev/shm";

/** Opens an empty device, in memory: this program must not wait for a disk. Where that is not possible, in `run`. */
export async function openBulk(run: string): Promise<number> {
  const fd = await openFd(MEMORY, O_TMPFILE | constants.O_RDWR, 0o600).catch(() => undefined);
  if (fd === undefined) return openScratch(run, makeBulk);
  try {
    await truncateFd(fd, BULK_SIZE);
    return fd;
  } catch (error) {
    await closeFd(fd);
    throw error;
  }
}

/** Adds an empty device to a machine's open files; closes them if that fails. */
export async function withBulk(files: OpenFiles, run: string): Promise<OpenFiles> {
  try {
    return { ...files, bulk: await openBulk(run) };
  } catch (error) {
    await closeFiles({ files });
    throw error;
  }
}

async function makeBulk(path: string): Promise<void> {
  await makeEmpty(path);
  await truncate(path, BULK_SIZE);
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
