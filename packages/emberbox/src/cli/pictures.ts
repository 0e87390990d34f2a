import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import type { Result } from "@emberbox/core";
import { UsageError } from "./failure.ts";

/** Saves the pictures of results. */
export interface Pictures {
  save(result: Result): Promise<void>;
  readonly saved: readonly string[];
  /** Results that had a picture, saved or not. */
  readonly seen: number;
}

/** The kinds of picture, and how each is sent. */
const encodings = { png: "base64", jpeg: "base64", pdf: "base64", svg: "utf8" } as const;
const kinds = Object.keys(encodings) as (keyof typeof encodings)[];

/** Pictures are saved as `picture-1.png` and so on; a file that is there is never replaced. */
export async function openPictures(directory: string | undefined): Promise<Pictures> {
  const saved: string[] = [];
  let seen = 0;
  if (directory !== undefined) await makeDirectory(directory);
  return {
    saved,
    get seen() {
      return seen;
    },
    async save(result) {
      const present = kinds.filter((kind) => result[kind] !== undefined);
      if (present.length > 0) seen += 1;
      if (directory === undefined) return;
      for (const kind of present) {
        saved.push(
          await writeNew(directory, kind, Buffer.from(result[kind]!, encodings[kind]), seen),
        );
      }
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
  kind: string,
  data: Buffer,
  first: number,
): Promise<string> {
  for (let number = first; ; number++) {
    const path = join(directory, `picture-${number}.${kind}`);
    const file = await open(path, "wx").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return undefined;
      throw error;
    });
    if (file === undefined) continue;
    await file.writeFile(data).finally(() => file.close());
    return path;
  }
}
