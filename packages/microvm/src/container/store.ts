import { createHash } from "node:crypto";
import { readFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { besideModule } from "../host/own-files.ts";
import { parseJson } from "../host/json.ts";
import type { GuestImage } from "../image/guest-image.ts";
import { FETCHING } from "./fetch.ts";

/** Raise when the way in which images are made changes and no program of it does. */
const FORMAT = 1;
/** What builds a machine's disk of layers, inside. */
export const programs = ["unpack.py", "adapt.py", "pack.py"] as const;

/** Where layers are kept, below the directory of all images. */
export const containersIn = (images: string): string => join(images, "containers");
/** Held while an image is fetched or made, or while any of that is removed. */
export const lockOfContainers = (images: string): string => join(images, ".containers.lock");

const NAME = /^container-[\da-f]{16}$/;
/** Whether a name is that of an image made of a container image, and so of the template that is made of that. */
export const isContainerName = (name: string): boolean => NAME.test(name);

/** What is known of an image that was made. */
export interface ContainerFacts {
  /** The digest of the default image that it was made with: it has its kernel. */
  readonly base: string;
  readonly user: string;
  readonly workdir: string;
  readonly envs: Readonly<Record<string, string>>;
}

const factsSchema: z.ZodType<ContainerFacts> = z.strictObject({
  base: z.string().regex(/^[\da-f]{16}$/),
  user: z.string().regex(/^[\w.-]{1,64}$/),
  workdir: z.string().regex(/^\/[^\0]{0,4095}$/),
  envs: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string().regex(/^[^\0]{0,131072}$/)),
});

export const readProgram = (name: (typeof programs)[number]): Promise<string> =>
  readFile(besideModule(import.meta.url, `assets/${name}`), "utf8");

/** Names the image that a container image becomes. */
export async function containerName(digest: string, base: GuestImage): Promise<string> {
  const texts = await Promise.all(programs.map(readProgram));
  const parts = JSON.stringify([FORMAT, digest, base.digest, texts]);
  return `container-${createHash("sha256").update(parts).digest("hex").slice(0, 16)}`;
}

/** Where the image of that name is, or would be. Its kernel is the default image's. */
export function describeContainer(images: string, name: string, base: GuestImage): GuestImage {
  const directory = join(images, name);
  const { kernel, initrd } = base;
  return { directory, digest: name, kernel, initrd, rootfs: join(directory, "rootfs") };
}

export const factsFile = (directory: string): string => join(directory, "container.json");

/** The facts of a finished image; undefined if there is none, or none for this default image. */
export async function readFacts(
  image: GuestImage,
  base: GuestImage,
): Promise<ContainerFacts | undefined> {
  try {
    const text = await readFile(factsFile(image.directory), "utf8");
    const facts = factsSchema.safeParse(parseJson(text)).data;
    return facts?.base === base.digest ? facts : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** What builds have left of container images: layers, and images that were made of them. Templates do without. */
export async function unusedContainers(images: string): Promise<string[]> {
  const names = await readdir(images).catch(() => []);
  const own = containersIn(images);
  const hasOwn = await stat(own).catch(() => undefined);
  return [
    ...names.filter(isContainerName).map((name) => join(images, name)),
    ...(hasOwn ? [own] : []),
  ];
}

/** How directories begin that an image is made in. */
export const MAKING = ".making-";

/** Removes what killed programs left. Call it while holding the lock. */
export async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => []))
    if (name.startsWith(FETCHING) || name.startsWith(MAKING))
      await rm(join(directory, name), { recursive: true, force: true });
}
