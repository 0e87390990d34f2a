import { readdir } from "node:fs/promises";
import { closeFd } from "../host/descriptors.ts";
import { find, itself } from "./at.ts";
import { Refusal, type Space } from "./protocol.ts";

export interface Limits {
  readonly bytes: number;
  /** Files, directories and links. */
  readonly files: number;
}

/** What a volume has of what it may have. Bytes are those of files as they are long, holes included. */
export class Usage {
  readonly #limits: Limits;
  #bytes = 0;
  #files = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get space(): Space {
    const { bytes, files } = this.#limits;
    const freeBytes = Math.max(0, bytes - this.#bytes);
    return { bytes, freeBytes, files, freeFiles: Math.max(0, files - this.#files) };
  }

  /** @throws ENOSPC */
  add(bytes: number, files = 0): void {
    const { freeBytes, freeFiles } = this.space;
    if (bytes > freeBytes || files > freeFiles) throw new Refusal("ENOSPC");
    this.count(bytes, files);
  }

  /** Takes note of what is there. */
  count(bytes: number, files = 0): void {
    this.#bytes += bytes;
    this.#files += files;
  }

  remove(bytes: number, files = 0): void {
    this.count(-bytes, -files);
  }
}

/** Counts what is in a directory. What disappears meanwhile is not there. */
export async function countAll(directory: number, usage: Usage): Promise<void> {
  const seen = new Set<bigint>();
  const look = async (parent: number): Promise<void> => {
    for (const name of await readdir(itself(parent), { encoding: "latin1" })) {
      const found = await find(parent, name).catch(() => undefined);
      if (found === undefined) continue;
      const { fd, stats } = found;
      try {
        const isSeen = stats.nlink > 1n && !stats.isDirectory() && seen.has(stats.ino);
        seen.add(stats.ino);
        if (!isSeen) usage.count(stats.isFile() ? Number(stats.size) : 0, 1);
        if (stats.isDirectory()) await look(fd).catch(() => {});
      } finally {
        await closeFd(fd);
      }
    }
  };
  await look(directory);
}
