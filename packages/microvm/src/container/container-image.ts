import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sandbox } from "@emberbox/core";
import type { Architecture } from "../host/architecture.ts";
import { withLock } from "../host/lock.ts";
import { publish } from "../image/build.ts";
import type { GuestImage } from "../image/index.ts";
import { blobsIn, type Credentials, fetchImage } from "./fetch.ts";
import { makeDisk } from "./make-disk.ts";
import { parseReference } from "./reference.ts";
import {
  type ContainerFacts,
  containerName,
  containersIn,
  describeContainer,
  factsFile,
  lockOfContainers,
  MAKING,
  readFacts,
  removeUnfinished,
} from "./store.ts";

export interface ContainerImageOptions {
  readonly images: string;
  readonly architecture: Architecture;
  /** What a container image is: an image of its own, with the kernel of this one. */
  readonly base: GuestImage;
  readonly credentials?: Credentials | undefined;
  /** Does work in a fresh sandbox of the default template, whose disk has `MAKER_DISK_MB`. */
  readonly withMaker: <T>(work: (sandbox: Sandbox) => Promise<T>) => Promise<T>;
  readonly onProgress: (step: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What a build begins with: the name of an image, and what its programs are told. */
export type ContainerImage = ContainerFacts & { readonly name: string };

/**
 * The image of a container image, which is fetched, and made unless it was before.
 * @throws `invalid_argument`, `tool_missing`, `template_build_failed`, `unsupported`
 */
export async function obtainContainerImage(
  text: string,
  options: ContainerImageOptions,
): Promise<ContainerImage> {
  const { images, architecture, base, credentials, onProgress, signal } = options;
  const reference = parseReference(text);
  const directory = containersIn(images);
  const work = async (): Promise<ContainerImage> => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await removeUnfinished(directory);
    onProgress(`fetching the image ${text}`);
    const fetched = await fetchImage(reference, {
      ...{ directory, architecture, credentials, onProgress, signal },
    });
    const name = await containerName(fetched.digest, base);
    const image = describeContainer(images, name, base);
    const known = await readFacts(image, base);
    if (known !== undefined) return { ...known, name };
    const making = await mkdtemp(join(directory, MAKING));
    try {
      const target = join(making, "rootfs");
      const { user } = await options.withMaker((sandbox) =>
        makeDisk({
          ...{ image: fetched, blobs: blobsIn(directory), sandbox, target },
          ...{ onProgress, signal },
        }),
      );
      const { envs, workdir } = fetched;
      const facts: ContainerFacts = { base: base.digest, user, workdir, envs };
      await writeFile(factsFile(making), JSON.stringify(facts));
      await rm(image.directory, { recursive: true, force: true });
      await publish(making, image.directory);
      return { ...facts, name };
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  };
  return withLock(lockOfContainers(images), work, {
    ...(signal && { signal }),
    onWait: () => onProgress("waiting for another build that fetches an image"),
  });
}

/** The image of that name, if it is there and was made with this default image. */
export async function findContainerImage(
  images: string,
  name: string,
  base: GuestImage,
): Promise<GuestImage | undefined> {
  const image = describeContainer(images, name, base);
  const facts = await readFacts(image, base);
  const disk = await stat(image.rootfs).catch(() => undefined);
  return facts !== undefined && disk !== undefined ? image : undefined;
}
