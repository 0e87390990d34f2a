import { constants, openSync, readSync, writeSync } from "node:fs";
import { type Bulk, BULK_BYTES, BULK_SERIAL, slotOffset } from "@emberbox/wire";
import { blockDevice } from "./block-devices.ts";

const HOST = 1;
const GUEST = 2;
const SECTOR = 512;

/** The block device for what is too much for the port, past the kernel's cache, which knows nothing of the host. */
export function openBulk(log: (line: string) => void): Bulk {
  const fd = openSync(blockDevice(BULK_SERIAL), constants.O_RDWR | constants.O_DIRECT);
  const piece = alignedPiece(fd);
  return {
    put(slot, data) {
      piece.set(data);
      try {
        return (
          writeSync(fd, piece, 0, sectors(data.length), slotOffset(GUEST, slot)) >= data.length
        );
      } catch (error) {
        log(`the bulk device: ${error}`);
        return false;
      }
    },
    take(slot, bytes) {
      const read = readSync(fd, piece, 0, sectors(bytes), slotOffset(HOST, slot));
      if (read < bytes) throw new Error("the bulk device ended early");
      const data = Buffer.allocUnsafeSlow(bytes);
      piece.copy(data, 0, 0, bytes);
      return data;
    },
  };
}

const sectors = (bytes: number): number => Math.ceil(bytes / SECTOR) * SECTOR;

/** Memory where the device reads and writes directly, which not any address is good for. */
function alignedPiece(fd: number): Buffer {
  const whole = Buffer.allocUnsafeSlow(BULK_BYTES + SECTOR);
  for (let at = 0; at < SECTOR; at += 8) {
    try {
      readSync(fd, whole, at, SECTOR, 0);
      return whole.subarray(at, at + BULK_BYTES);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
    }
  }
  throw new Error("no memory is aligned for the bulk device");
}
