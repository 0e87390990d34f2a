import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { EmberboxError } from "@emberbox/core";
import { background, notifier, warning } from "@emberbox/core/background";
import { SharedWork } from "@emberbox/core/concurrency";
import { oneLine } from "@emberbox/core/terminal";
import type { AcceleratorChoice } from "../host/accelerator.ts";
import { type Architecture, architectures, HOST_ARCHITECTURE } from "../host/architecture.ts";
import { newSandboxId } from "../host/ids.ts";
import { requireOwnDirectory, requireWritable } from "../host/own-directory.ts";
import { requireOwnFiles } from "../host/own-files.ts";
import { type Paths, paths as pathsIn } from "../host/paths.ts";
import { requireProgram, requirePrograms } from "../host/programs.ts";
import { findContainerImage } from "../container/container-image.ts";
import { isContainerName } from "../container/store.ts";
import { type GuestImage, inWords, obtainImage } from "../image/index.ts";
import { mayBuild } from "../image/may-build.ts";
import { IMAGE_DISK_MB } from "../image/recipe.ts";
import { hostCgroups } from "../machine/cgroup.ts";
import { sweepScratch } from "../machine/files.ts";
import { endOrphans } from "../machine/orphans.ts";
import { patience } from "../host/patience.ts";
import { readOnlyView } from "../machine/read-only.ts";
import { authoritiesOf } from "../network/authorities.ts";
import type { NameResolver } from "../network/resolve.ts";
import { createUplink } from "../network/uplink.ts";
import type { ResolvedCreateOptions } from "../restore/create-options.ts";
import { type LocalSandbox, restoreSandbox } from "../restore/sandbox.ts";
import type { Source } from "../restore/source.ts";
import { openPaused } from "../saved/paused.ts";
import { createStateEngine, type StateEngine } from "../saved/state-engine.ts";
import { sweepState } from "../saved/sweep.ts";
import { overlayOf } from "../template/blank.ts";
import { currentKeys, ensureTemplate } from "../template/store.ts";
import type { Template } from "../template/template.ts";
import { openVolumeStore, type VolumeStore } from "../volumes/store.ts";
import { type Folders, openFolders } from "../workspaces/folders.ts";
import { createAccelerators } from "./accelerators.ts";
import type { EngineOptions } from "./options.ts";

type TemplateShape = Pick<ResolvedCreateOptions, "template" | "memoryMB" | "cpuCount">;

/** What is found once per program: QEMU, the images, the accelerator. */
export interface Engine {
  readonly paths: Paths;
  readonly qemu: string;
  readonly architecture: Architecture;
  /**
   * The image of a template, built first if it may be; or one that was made of a container image, by its name. @throws
   * `unknown_template`, `image_missing`
   */
  image(template: string, signal?: AbortSignal): Promise<GuestImage>;
  accelerator(image: GuestImage): Promise<AcceleratorChoice>;
  /**
   * The template in a shape. A new one is warmed first, once for all concurrent callers. @throws `unknown_template`,
   * `image_missing`
   */
  template(shape: TemplateShape, signal?: AbortSignal): Promise<Template>;
  /** Tells what somebody waits for. */
  onProgress(step: string): void;
  restore(options: ResolvedCreateOptions, signal?: AbortSignal): Promise<LocalSandbox>;
  readonly state: StateEngine;
  /** Looks up names, for all gateways. */
  readonly names: NameResolver;
}

/** @throws `provider_missing`, `qemu_missing`, `tool_missing` */
export function openEngine(
  options: EngineOptions,
  volumes: VolumeStore = openVolumeStore(pathsOf(options).state),
  folders: Folders = openFolders(pathsOf(options).home),
): Engine {
  requireOwnFiles();
  const paths = pathsOf(options);
  for (const path of Object.values(paths) as string[]) requireOwnDirectory(path);
  requireWritable(paths.home);
  patience();
  const buildImages = mayBuild() && (options.buildImages ?? true);
  const architecture = options.arch ?? HOST_ARCHITECTURE;
  const jail = options.jail ?? true;
  const program = architectures[architecture].qemu;
  requirePrograms([program, "qemu-img", "prlimit", "cpio", ...(jail ? ["bwrap"] : [])]);
  const qemu = requireProgram(program);
  // Begun early: the first sandbox needs them, and reports what is wrong.
  if (jail) for (const early of [readOnlyView(), hostCgroups()]) early.catch(() => {});
  background(sweepScratch(paths.run), warning("Removing what killed programs left"));
  background(sweepState(paths.state), warning("Removing what killed programs left"));
  background(expirePaused(paths.state), warning("Removing sandboxes that were paused for long"));
  background(endOrphans(), warning("Ending the machines of killed programs"));
  const onProgress = notifier("onProgress", options.onProgress ?? onTerminal());
  const accelerators = createAccelerators(options, { home: paths.home, qemu });
  const warmed = new SharedWork<Template>();
  const { ca = [], ...names } = options.network ?? {};
  const uplink = createUplink({ ...names, ca: [...ca, ...authoritiesOf()] });

  const request = async ({ template, memoryMB, cpuCount }: TemplateShape, signal?: AbortSignal) => {
    // Before an image is built for minutes.
    if (jail) await readOnlyView();
    const image = await engine.image(template, signal);
    const { accelerator } = await engine.accelerator(image);
    const shape = { architecture, accelerator, memoryMB, cpuCount };
    return { templates: paths.templates, image, qemu, shape };
  };
  /** Whether what this program knows of a template is no longer so. */
  const isOutdated = async (
    used: Template | undefined,
    wanted: TemplateShape,
    error: unknown,
  ): Promise<boolean> => {
    // The cache was deleted.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    if (used === undefined || !isStartFailure(error)) return false;
    const [key] = await currentKeys([await request(wanted)]);
    return used.key !== key;
  };

  const engine: Engine = {
    paths,
    qemu,
    get names() {
      return uplink.resolver;
    },
    architecture,
    state: createStateEngine({
      ...{ root: paths.state, run: paths.run },
      ...{ architecture, qemu, jail, uplink, volumes, folders },
    }),
    async image(template, signal) {
      const { images } = paths;
      if (isContainerName(template)) {
        const base = await engine.image("default", signal);
        const image = await findContainerImage(images, template, base);
        if (image) return image;
      }
      const progress = inWords(onProgress);
      const wanted = { images, template, architecture, onProgress: progress, signal };
      return obtainImage(wanted, buildImages);
    },
    onProgress,
    accelerator: (image) => accelerators.choose(image),
    template(wanted, signal) {
      const warm = async (signal: AbortSignal): Promise<Template> => {
        const wantedNow = await request(wanted, signal);
        try {
          return await ensureTemplate({ ...wantedNow, jail, onProgress, signal });
        } catch (error) {
          const { accelerator } = wantedNow.shape;
          if (!isStartFailure(error) || !(await accelerators.giveUp(accelerator, error)))
            throw error;
          return ensureTemplate({ ...(await request(wanted, signal)), jail, onProgress, signal });
        }
      };
      return warmed.get(shapeKey(wanted), warm, signal);
    },
    async restore(create, signal) {
      let used: Template | undefined;
      const restore = async (): Promise<LocalSandbox> => {
        const template = (used = await engine.template(create, signal));
        const source: Source = {
          template,
          layers: [],
          overlay: await overlayOf(template, create.diskMB),
          diskMB: IMAGE_DISK_MB,
          start: { how: "sandbox" },
          workspace: create.folderImage,
        };
        const identity = {
          sandboxId: newSandboxId(),
          templateId: create.template,
          envs: create.envs,
        };
        const accessToken = randomBytes(32).toString("hex");
        const { diskMB, access, volumeMounts, workspaces } = create;
        return restoreSandbox({
          ...{ source, qemu, jail, run: paths.run, diskMB },
          ...{ identity, accessToken, access, uplink, volumes, volumeMounts, signal },
          ...{ folders, workspaces },
        });
      };
      try {
        return await restore();
      } catch (error) {
        if (used !== undefined && isStartFailure(error) && speaksOfKvm(error))
          await accelerators.giveUp(used.shape.accelerator, error);
        if (!(await isOutdated(used, create, error))) throw error;
        warmed.forget(shapeKey(create));
        return restore();
      }
    },
  };
  return engine;
}

/** How long a program that opens the engine has to resume a sandbox whose time as a paused one is over, in ms. */
const EXPIRY_GRACE_MS = 5_000;

async function expirePaused(state: string): Promise<void> {
  await delay(EXPIRY_GRACE_MS, undefined, { ref: false });
  const paused = openPaused(state);
  for (const sandboxId of await paused.expired()) await paused.expire(sandboxId);
}

/** Somebody who watches a terminal is told what a first `create` waits for. */
function onTerminal(): EngineOptions["onProgress"] {
  if (!process.stderr.isTTY) return undefined;
  return (step) => void process.stderr.write(`emberbox: ${oneLine(step)}\n`);
}

/** The paths that an engine with these options uses. */
export function pathsOf({ home }: EngineOptions): Paths {
  return pathsIn(home === undefined ? process.env : { ...process.env, EMBERBOX_HOME: home });
}

const isStartFailure = (error: unknown): error is EmberboxError =>
  EmberboxError.isInstance(error) &&
  (error.code === "sandbox_died" || error.code === "boot_failed");

/** What else ends a running KVM is no reason to do without it. */
const speaksOfKvm = ({ details }: EmberboxError): boolean => /kvm/i.test(String(details["stderr"]));

const shapeKey = ({ template, memoryMB, cpuCount }: TemplateShape): string =>
  `${template}/${memoryMB}/${cpuCount}`;
