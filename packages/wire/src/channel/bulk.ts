/** How much one slot holds, in bytes. */
export const BULK_BYTES = 524_288;
/** Slots of each side; the host's come first. */
export const BULK_SLOTS = 8;
/** All slots of both sides, in bytes. */
export const BULK_SIZE: number = 2 * BULK_SLOTS * BULK_BYTES;
/** The serial number of the block device that the slots are on. */
export const BULK_SERIAL = "emberbox-bulk";

/**
 * A block device that both sides reach. Data of some size goes through it instead of the port, which takes 4 KiB at a
 * time; a frame says where it is. What is put there is taken before anything else happens, so a machine that is saved has
 * nothing on it.
 */
export interface Bulk {
  /** Stores data in a slot of this side's. False if that is not possible. */
  put(slot: number, data: Uint8Array): boolean;
  /** What the other side put into a slot of its own. @throws if it cannot be read */
  take(slot: number, bytes: number): Buffer;
}

/** Where a slot begins, in bytes; `firstStream` says whose it is, as in a session's options. */
export const slotOffset = (firstStream: 1 | 2, slot: number): number =>
  ((firstStream - 1) * BULK_SLOTS + slot) * BULK_BYTES;

/** Which of a side's slots hold something that the other side has not taken. */
export class Slots {
  readonly #free: number[] = Array.from({ length: BULK_SLOTS }, (_, slot) => slot);

  get hasFree(): boolean {
    return this.#free.length > 0;
  }

  use(): number | undefined {
    return this.#free.pop();
  }

  /** False if the slot was not in use. */
  release(slot: number): boolean {
    if (slot >= BULK_SLOTS || this.#free.includes(slot)) return false;
    this.#free.push(slot);
    return true;
  }
}
