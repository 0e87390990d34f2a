import { createHash, hash } from "node:crypto";
import { readSync, writeSync } from "node:fs";
import { BLOCK, blocksOf, type Run } from "./ext4.ts";
import { WriteBehind } from "./write-behind.ts";

/** What is gathered before it is written. */
const GATHERED = 4 * 1024 * 1024;

/** A file that is written from one block on, in its order. */
export class Blocks {
  readonly #file: number;
  readonly #behind: WriteBehind;
  #gathered = shared();
  /** What the other thread writes while the first is filled. */
  #written: Buffer | undefined;
  /** Where in the file what is gathered begins, in bytes, and how much it is. */
  #begin: number;
  #filled = 0;

  constructor(file: number, firstBlock: number) {
    this.#file = file;
    this.#behind = new WriteBehind(file);
    this.#begin = firstBlock * BLOCK;
  }

  /** The block that is written next. */
  get next(): number {
    return (this.#begin + this.#filled) / BLOCK;
  }

  /** What was written from a block on is written again. */
  goBackTo(block: number): void {
    const at = block * BLOCK;
    this.#filled = Math.max(0, at - this.#begin);
    this.#begin = Math.min(this.#begin, at);
  }

  append(data: Buffer): Run {
    const first = this.next;
    for (let at = 0; at < data.length; at += GATHERED) {
      const piece = data.subarray(at, at + GATHERED);
      this.#makeRoom(blocksOf(piece.length) * BLOCK);
      this.#gathered.set(piece, this.#filled);
      this.#filled += piece.length;
      this.#pad();
    }
    return { first, count: this.next - first };
  }

  /** Copies an open file up to `size`, or to its end if that comes first. */
  copy(
    from: number,
    size: number,
  ): { readonly run: Run; readonly bytes: number; readonly digest: string } {
    const first = this.next;
    if (size <= GATHERED) {
      this.#makeRoom(blocksOf(size) * BLOCK);
      const bytes = this.#read(from, 0, size);
      const piece = this.#gathered.subarray(this.#filled, this.#filled + bytes);
      const digest = hash("sha256", piece, "hex");
      this.#filled += bytes;
      this.#pad();
      return { run: { first, count: this.next - first }, bytes, digest };
    }
    const sum = createHash("sha256");
    let bytes = 0;
    while (bytes < size) {
      this.#makeRoom(GATHERED);
      const read = this.#read(from, bytes, Math.min(GATHERED, size - bytes));
      sum.update(this.#gathered.subarray(0, read));
      this.#filled = read;
      this.#pad();
      bytes += read;
      if (read < GATHERED) break;
    }
    return { run: { first, count: this.next - first }, bytes, digest: sum.digest("hex") };
  }

  #read(from: number, offset: number, size: number): number {
    let done = 0;
    while (done < size) {
      const at = this.#filled + done;
      const read = readSync(from, this.#gathered, at, size - done, offset + done);
      if (read === 0) break;
      done += read;
    }
    return done;
  }

  #pad(): void {
    const end = blocksOf(this.#filled) * BLOCK;
    this.#gathered.fill(0, this.#filled, end);
    this.#filled = end;
  }

  #makeRoom(bytes: number): void {
    if (this.#filled + bytes > GATHERED) this.#hand();
  }

  /** To the thread that writes. */
  #hand(): void {
    this.#behind.write(this.#gathered.subarray(0, this.#filled), this.#begin);
    this.#begin += this.#filled;
    this.#filled = 0;
    const written = this.#written ?? shared();
    this.#written = this.#gathered;
    this.#behind.waitFor(1);
    this.#gathered = written;
  }

  /** Afterwards, all is written. */
  flush(): void {
    this.#behind.waitFor(0);
    for (let done = 0; done < this.#filled;)
      done += writeSync(this.#file, this.#gathered, done, this.#filled - done, this.#begin + done);
    this.#begin += this.#filled;
    this.#filled = 0;
  }

  /** Afterwards, nothing is written any more. */
  [Symbol.dispose](): void {
    this.#behind.close();
  }
}

const shared = (): Buffer => Buffer.from(new SharedArrayBuffer(GATHERED));
