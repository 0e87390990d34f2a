import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Queue } from "../concurrency/queue.ts";
import { FIRST, linkLine } from "./chain.ts";
import type { AuditFields } from "../audit-event.ts";

/** Where events go, one after another. */
export interface AuditLog {
  /** Resolves once it is written. */
  write(fields: AuditFields, redact: (text: string) => string): Promise<void>;
}

/** When a file is full, in bytes. */
export const MAX_FILE_BYTES: number = 64 * 1024 * 1024;

/** A program has one log in a directory, which all its sandboxes share. */
const logs = new Map<string, AuditLog>();

export function logIn(directory: string, maxFileBytes: number): AuditLog {
  const path = resolve(directory);
  const known = logs.get(path) ?? new FileLog(path, maxFileBytes);
  logs.set(path, known);
  return known;
}

/**
 * Files that are only ever added to, named by when the program began, and numbered. A program that is killed leaves at
 * most one line incomplete: the last.
 */
class FileLog implements AuditLog {
  readonly #directory: string;
  readonly #maxFileBytes: number;
  readonly #queue = new Queue();
  readonly #name: string;
  #file: FileHandle | undefined;
  #path = "";
  #bytes = 0;
  /** Of files that have events. */
  #number = 0;
  #seq = 0;
  #prev = FIRST;

  constructor(directory: string, maxFileBytes: number) {
    this.#directory = directory;
    this.#maxFileBytes = maxFileBytes;
    const began = new Date().toISOString().replaceAll(/[:.]/g, "-");
    this.#name = `${began}-${process.pid}-${randomBytes(4).toString("hex")}`;
  }

  write(fields: AuditFields, redact: (text: string) => string): Promise<void> {
    return this.#queue.run(async () => {
      const { line, hash } = linkLine(fields, { seq: this.#seq + 1, prev: this.#prev }, redact);
      const bytes = Buffer.from(`${line}\n`);
      try {
        const file = await this.#open(bytes.length);
        await file.appendFile(bytes);
      } catch (error) {
        // Part of it may have been written: whatever comes next begins in a file of its own.
        const isEmpty = this.#bytes === 0;
        await this.#close();
        // Its name is used again, however long a disk is full: only names with six digits are read.
        if (isEmpty) await rm(this.#path, { force: true }).catch(() => (this.#number += 1));
        throw error;
      }
      if (this.#bytes === 0) this.#number += 1;
      this.#bytes += bytes.length;
      this.#seq += 1;
      this.#prev = hash;
    });
  }

  async #open(more: number): Promise<FileHandle> {
    if (this.#file && this.#bytes > 0 && this.#bytes + more > this.#maxFileBytes)
      await this.#close();
    if (this.#file) return this.#file;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const name = `${this.#name}-${String(this.#number + 1).padStart(6, "0")}.jsonl`;
    this.#bytes = 0;
    this.#path = join(this.#directory, name);
    return (this.#file = await open(this.#path, "ax", 0o600));
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => {});
  }
}
