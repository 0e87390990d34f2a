import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { SharedWork } from "@emberbox/core/concurrency";
import type { Baseline, WorkspaceMount } from "@emberbox/core/workspace";
import { copySparse } from "../host/copy-sparse.ts";
import { exists } from "../host/exists.ts";
import { parseJson } from "../host/json.ts";
import { unfinished } from "../host/unfinished.ts";
import { ID_OFFSET } from "./ext4.ts";
import { baselineSchema } from "./kept.ts";
import { writeOnThread } from "./write.ts";

/** An image of the host's folders, as it is on disk. */
export interface FolderImage {
  readonly path: string;
  /** Of what it was made from: 64 hexadecimal digits. */
  readonly key: string;
}

/** Images of folders and what they hold, each written once: the next sandbox with the same folder takes what is there. */
export interface FolderImages {
  /** Writes the image of folders, unless it is there. @throws `invalid_argument`, `host_disk_full` */
  obtain(folders: readonly CopiedFolder[], options: ObtainOptions): Promise<FolderImage>;
  /** What a folder had when its image was written. */
  baseline(digest: string): Promise<Baseline | undefined>;
  /** Keeps what a program knows of a folder; returns its digest. */
  keep(baseline: Baseline): Promise<string>;
  /** The files of these baselines that are there. */
  baselineFiles(digests: readonly string[]): Promise<string[]>;
  /** Takes back an image that was saved with a sandbox, and other files of the names that they had here. */
  restore(directory: string, key: string, others: readonly string[]): Promise<FolderImage>;
}

/** A folder of which the sandbox has a copy. */
export interface CopiedFolder extends Pick<WorkspaceMount, "host" | "baseline"> {
  /** Its place in the list of workspaces. */
  readonly number: number;
  /** See `folderKey`. */
  readonly key: string;
}

export interface ObtainOptions {
  readonly onProgress: (step: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Times of files are as exact as the kernel's clock ticks: every 10 ms, if it ticks slowly. */
const TICK_MS = 20;
const LIMITS = { bytes: 16 * 1024 ** 3, entries: 1_000_000, depth: 256 };
/** Raise when images are written in another way. */
const FORMAT = 1;
export const IMAGE_NAME: RegExp = /^[0-9a-f]{64}\.image$/;
export const BASELINE_NAME: RegExp = /^[0-9a-f]{64}\.baseline$/;
/** A million entries have some 100 MB. */
const MAX_BASELINE_BYTES = 512 * 1024 * 1024;

export const imageName = (key: string): string => `${key}.image`;
export const baselineName = (digest: string): string => `${digest}.baseline`;

/**
 * Names a folder as it is: by where it is and all that is known of its files without reading them. Two files of the same
 * size and time in different folders are not taken for each other, nor is one that was changed and given its old time.
 * What is only now being changed may be changed again, after it is copied, without its times telling: a copy of a folder
 * with such a thing has a name that is never asked for again.
 */
export function folderKey({
  host,
  baseline,
  mode,
}: Pick<WorkspaceMount, "host" | "baseline" | "mode">): string {
  const hash = createHash("sha256").update(`${FORMAT}\0${host}\0${baseline.digest}\0`);
  const times = baseline.entries.map(({ ctimeMs }) => ctimeMs);
  hash.update(times.join(","));
  const recent = Date.now() - TICK_MS;
  if (mode !== "live" && times.some((time) => time !== undefined && time > recent))
    hash.update(randomBytes(16));
  return hash.digest("hex");
}

export function openFolderImages(directory: string): FolderImages {
  const writing = new SharedWork<void>({ keeps: false });
  const place = (name: string): string => join(directory, name);
  const scratch = (): string => unfinished(directory, "new");

  const write = async (
    key: string,
    folders: readonly CopiedFolder[],
    onProgress: (step: string) => void,
    signal: AbortSignal,
  ): Promise<void> => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const making = scratch();
    await mkdir(making, { mode: 0o700 });
    try {
      const missing = await writeOnThread(
        {
          target: join(making, imageName(key)),
          folders: folders.map(({ host, number, baseline, key }) => ({
            ...{ host, number, ...baseline },
            baseline: join(making, baselineName(key)),
          })),
          id: key.slice(0, 32),
          limits: LIMITS,
        },
        onProgress,
        signal,
      );
      if (missing.length > 0) onProgress(`not brought along: ${missing.slice(0, 20).join(", ")}`);
      for (const name of await readdir(making)) await rename(join(making, name), place(name));
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  };

  return {
    async obtain(folders, { onProgress, signal }) {
      const key = createHash("sha256")
        .update(folders.map(({ number, key }) => `${number} ${key}\n`).join(""))
        .digest("hex");
      const path = place(imageName(key));
      const names = [imageName(key), ...folders.map((folder) => baselineName(folder.key))];
      if (!(await areThere(names.map(place))))
        await writing.get(key, (stop) => write(key, folders, onProgress, stop), signal);
      return { path, key };
    },
    async baseline(digest) {
      const path = place(baselineName(digest));
      const bytes = await readFile(path).catch(absent);
      if (bytes === undefined) return undefined;
      const text = await promisify(gunzip)(bytes, { maxOutputLength: MAX_BASELINE_BYTES });
      return baselineSchema.parse(parseJson(text.toString()));
    },
    async keep(baseline) {
      const text = JSON.stringify({ digest: baseline.digest, entries: baseline.entries });
      const digest = createHash("sha256").update(text).digest("hex");
      const path = place(baselineName(digest));
      if (await areThere([path])) return digest;
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const making = scratch();
      try {
        const file = await open(making, "wx", 0o600);
        try {
          await file.writeFile(await promisify(gzip)(text, { level: 1 }));
        } finally {
          await file.close();
        }
        await rename(making, path);
      } finally {
        await rm(making, { force: true });
      }
      return digest;
    },
    async baselineFiles(digests) {
      const paths = digests.map((digest) => place(baselineName(digest)));
      const there = await Promise.all(paths.map((path) => exists(path)));
      return paths.filter((_, index) => there[index]);
    },
    async restore(from, key, others) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      for (const name of [...others, imageName(key)]) {
        if (await exists(place(name))) continue;
        try {
          await link(join(from, name), place(name));
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code === "EEXIST") continue;
          if (code !== "EXDEV" && code !== "EPERM") throw error;
          const making = scratch();
          await copySparse(join(from, name), making);
          await rename(making, place(name));
        }
      }
      return { path: place(imageName(key)), key };
    },
  };
}

/** What is used is not removed as unused. */
async function areThere(paths: readonly string[]): Promise<boolean> {
  const now = new Date();
  try {
    for (const path of paths) await utimes(path, now, now);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** @throws when the file at `path` is not the image of this key */
export async function checkImage(path: string, key: string, bytes: number): Promise<void> {
  const { size } = await stat(path);
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(16), 0, 16, ID_OFFSET);
    if (size === bytes && buffer.toString("hex") === key.slice(0, 32)) return;
  } finally {
    await file.close();
  }
  throw new Error(`${path} is not the image that was saved`);
}

function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
  throw error;
}
