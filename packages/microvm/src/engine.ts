import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { type AcceleratorChoice, chooseAccelerator } from "./accelerator.ts";
import { findImage, type GuestImage } from "./image/index.ts";
import { sweepOverlays } from "./machine/files.ts";
import { IMAGE_DISK_MB, type MicrovmOptions, type ResolvedCreateOptions } from "./options.ts";
import { type Paths, paths } from "./paths.ts";
import { programStamp, QEMU, requireProgram } from "./qemu.ts";
import { type LocalSandbox, restoreSandbox } from "./sandbox.ts";
import { createOverlay } from "./template/blank.ts";
import { createSharedWork } from "./template/shared-work.ts";
import { ensureTemplate } from "./template/store.ts";
import type { Template } from "./template/template.ts";

/** What is found once per program: QEMU, the image, the accelerator. */
export interface Engine {
  readonly paths: Paths;
  readonly qemu: string;
  readonly image: GuestImage;
  readonly accelerator: AcceleratorChoice;
  /** The template of a shape; warmed when it is new, once for all who ask. */
  template(
    shape: Pick<ResolvedCreateOptions, "memoryMB" | "cpuCount">,
    signal?: AbortSignal,
  ): Promise<Template>;
  restore(options: ResolvedCreateOptions, signal?: AbortSignal): Promise<LocalSandbox>;
}

/** @throws `qemu_missing`, `tool_missing`, `image_missing` */
export async function openEngine(options: MicrovmOptions): Promise<Engine> {
  const places = paths(
    options.home === undefined ? process.env : { ...process.env, EMBERBOX_HOME: options.home },
  );
  const qemu = requireProgram(QEMU);
  const jail = options.jail ?? true;
  if (jail) requireProgram("bwrap");
  const image = await findImage(places.images);
  if (!image)
    throw new EmberboxError("image_missing", `there is no guest image in ${places.images}`);
  const accelerator = await chooseFor(options, places, qemu, image);
  sweepOverlays(places.run);
  const warmed = createSharedWork<Template>();

  const engine: Engine = {
    paths: places,
    qemu,
    image,
    accelerator,
    template({ memoryMB, cpuCount }, signal) {
      const shape = { accelerator: accelerator.accelerator, memoryMB, cpuCount };
      const { templates } = places;
      const { onProgress } = options;
      const warm = (stop: AbortSignal): Promise<Template> =>
        ensureTemplate({ templates, image, shape, qemu, jail, onProgress, signal: stop });
      return warmed.get(shapeKey(shape), warm, signal);
    },
    async restore(create, signal) {
      const restore = async (): Promise<LocalSandbox> => {
        const template = await engine.template(create, signal);
        const overlay = await overlayOf(template, create.diskMB);
        const identity = { sandboxId: newSandboxId(), accessToken: undefined, envs: create.envs };
        const { run } = places;
        const { diskMB } = create;
        return restoreSandbox({ template, qemu, jail, run, diskMB, overlay, identity, signal });
      };
      try {
        return await restore();
      } catch (error) {
        // Somebody cleared the caches away while this program had them in use.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        warmed.forget(shapeKey(create));
        return restore();
      }
    },
  };
  return engine;
}

async function chooseFor(
  options: MicrovmOptions,
  places: Paths,
  qemu: string,
  image: GuestImage,
): Promise<AcceleratorChoice> {
  if (options.accelerator === "kvm" || options.accelerator === "tcg")
    return { accelerator: options.accelerator, reason: "it was asked for" };
  return chooseAccelerator({ home: places.home, qemu, qemuStamp: programStamp(qemu), image });
}

const shapeKey = (shape: { memoryMB: number; cpuCount: number }): string =>
  `${shape.memoryMB}/${shape.cpuCount}`;

/** The empty overlay of a disk size, made on first use. */
async function overlayOf(template: Template, diskMB: number): Promise<string> {
  if (diskMB === IMAGE_DISK_MB) return template.overlay;
  const path = join(template.directory, `overlay-${diskMB}.qcow2`);
  if (existsSync(path)) return path;
  const making = `${path}.${process.pid}`;
  await createOverlay({ path: making, backing: template.disk, format: "qcow2", megabytes: diskMB });
  await rename(making, path);
  return path;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** `i` and 20 letters or digits: E2B's form, which a host name can begin with. */
function newSandboxId(): string {
  // 252 is the largest multiple of 36 that a byte holds: above it letters would not be equally likely.
  const letters = [...randomBytes(64)]
    .filter((byte) => byte < 252)
    .map((byte) => LETTERS[byte % 36]);
  return `i${letters.slice(0, 20).join("")}`;
}
