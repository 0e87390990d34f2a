import { type FileHandle, mkdir, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Result } from "@emberbox/core";
import { UsageError } from "./failure.ts";

/** Saves the pictures of results. */
export interface Pictures {
  /** @throws when a file cannot be written */
  save(result: Result): Promise<void>;
  readonly saved: readonly string[];
  /** Results that had a picture, saved or not. */
  readonly seen: number;
  /** Pictures that were not saved because of a limit. */
  readonly dropped: number;
}

export interface PictureLimits {
  readonly pictures: number;
  /** Bytes of one picture. */
  readonly bytes: number;
  /** Bytes of all pictures together. */
  readonly allBytes: number;
}

/** How much code in a sandbox may put on this machine's disk. */
export const LIMITS: PictureLimits = {
  pictures: 1000,
  bytes: 32 * 1024 * 1024,
  allBytes: 512 * 1024 * 1024,
};

/** The kinds of pictures, and how each is encoded. */
const encodings = { png: "base64", jpeg: "base64", pdf: "base64", svg: "utf8" } as const;
type Kind = keyof typeof encodings;
const kinds = Object.keys(encodings) as Kind[];

/** Pictures are saved as `picture-1.png` and so on. Existing files and links are never replaced or written through. */
export async function openPictures(
  directory: string | undefined,
  limits: PictureLimits = LIMITS,
): Promise<Pictures> {
  const saved: string[] = [];
  let seen = 0;
  let dropped = 0;
  let bytes = 0;
  let number = 1;
  if (directory !== undefined) await makeDirectory(directory);
  const save = async (directory: string, kind: Kind, text: string): Promise<number> => {
    const size = Buffer.byteLength(text, encodings[kind]);
    if (saved.length >= limits.pictures || size > limits.bytes || bytes + size > limits.allBytes) {
      dropped += 1;
      return number;
    }
    bytes += size;
    const written = await writeNew(directory, kind, Buffer.from(text, encodings[kind]), number);
    saved.push(written.path);
    return written.number;
  };
  return {
    saved,
    get seen() {
      return seen;
    },
    get dropped() {
      return dropped;
    },
    async save(result) {
      const present = kinds.filter((kind) => result[kind] !== undefined);
      if (present.length === 0) return;
      seen += 1;
      if (directory === undefined) return;
      const numbers = [number];
      for (const kind of present) numbers.push(await save(directory, kind, result[kind]!));
      number = Math.max(...numbers) + 1;
    },
  };
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw new UsageError(`pictures cannot be saved in ${directory}: ${(error as Error).message}`);
  }
}

async function writeNew(
  directory: string,
  kind: Kind,
  data: Buffer,
  first: number,
): Promise<{ readonly path: string; readonly number: number }> {
  for (let number = first; ; number++) {
    const path = join(directory, `picture-${number}.${kind}`);
    try {
      // `x` neither opens an existing file nor follows an existing link.
      const file = await open(path, "wx");
      await fill(file, data).catch(async (error: unknown) => {
        await unlink(path).catch(() => {});
        throw error;
      });
      return { path, number };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== "EEXIST")
        throw new Error(`a picture cannot be saved: ${message}`, { cause: error });
    }
  }
}

async function fill(file: FileHandle, data: Buffer): Promise<void> {
  try {
    await file.writeFile(data);
  } finally {
    await file.close();
  }
}
