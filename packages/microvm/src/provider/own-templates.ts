import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { EmberboxError, Sandbox } from "@emberbox/core";
import { notifier } from "@emberbox/core/background";
import type { SandboxProvider } from "@emberbox/core/provider";
import type {
  BuildTemplateOptions,
  BuiltTemplate,
  TemplateLog,
  TemplateRequest,
} from "@emberbox/core/template";
import {
  type BuildHost,
  buildTemplate,
  isBuiltName,
  type Workshop,
} from "../build/build-template.ts";
import { logFileOf, openLogFile } from "../build/log-file.ts";
import { layersIn, templatesIn } from "../build/places.ts";
import { initialSettings, type Settings } from "../build/steps.ts";
import { diskBytes } from "../host/disk-bytes.ts";
import { withLock } from "../host/lock.ts";
import { isTemplateName } from "../image/index.ts";
import { resolveCreateOptions, type ResolvedCreateOptions } from "../restore/create-options.ts";
import { isContainerName } from "../container/store.ts";
import { baseFiles } from "../saved/base.ts";
import { openSnapshots, ownBytes, type Snapshot, type SnapshotStore } from "../saved/snapshots.ts";
import { obtainImageOf } from "./container-images.ts";
import type { Engine } from "./engine.ts";
import type { KnownSandbox } from "./known-sandbox.ts";
import type { KnownSandboxes } from "./known-sandboxes.ts";
import { detailsOf, shapeOf } from "./sandbox-info.ts";

/** Templates of one's own, and the layers that builds have in common. */
export interface OwnTemplates {
  find(name: string): Promise<Snapshot | undefined>;
  build(request: TemplateRequest, options: BuildTemplateOptions): Promise<BuiltTemplate>;
  list(): Promise<BuiltTemplate[]>;
  delete(name: string): Promise<boolean>;
}

export interface OwnTemplatesOptions {
  /** Where saved machines are. */
  readonly state: string;
  readonly open: () => Engine;
  readonly sandboxes: KnownSandboxes;
  /** The provider that this is a part of. */
  readonly provider: () => SandboxProvider;
}

/** A build takes as long as it takes; what it leaves behind if its program hangs ends after a day. In ms. */
const BUILD_MS = 24 * 60 * 60 * 1000;
const LIFETIME_MS = 300_000;

export function createOwnTemplates(options: OwnTemplatesOptions): OwnTemplates {
  const { state, open } = options;
  const templates = openSnapshots(templatesIn(state));
  const layers = openSnapshots(layersIn(state));
  const find = async (name: string): Promise<Snapshot | undefined> =>
    isOwnName(name) ? templates.find(name) : undefined;

  const hostOf = (
    name: string,
    shape: ResolvedCreateOptions,
    log: (entry: TemplateLog) => void,
    signal: AbortSignal | undefined,
  ): BuildHost => ({
    layers,
    templates,
    async base(from) {
      if (typeof from === "object") {
        const { ceiling } = shape.access;
        const onProgress = (text: string): void => log({ type: "progress", text });
        const made = await obtainImageOf(from, { ceiling, onProgress, signal }, options);
        const { name, user, workdir, envs } = made;
        const { key } = await open().template({ ...shape, template: name }, signal);
        return { key, settings: { user, workdir, envs }, template: name };
      }
      if (isTemplateName(from)) {
        const { key } = await open().template({ ...shape, template: from }, signal);
        return { key, settings: initialSettings, template: from };
      }
      const snapshot = await find(from);
      if (!snapshot) throw unknown(from);
      const { options: kept, defaults } = snapshot.manifest;
      const key = `${snapshot.snapshotId} ${JSON.stringify(shapeOf(kept))}`;
      const settings = { ...initialSettings, ...defaults, envs: kept.envs };
      return { key, settings, template: from, snapshot };
    },
    async open({ template, snapshot }) {
      const created: ResolvedCreateOptions = {
        ...shape,
        ...(snapshot && shapeOf(snapshot.manifest.options)),
        template,
        envs: snapshot?.manifest.options.envs ?? {},
      };
      const machine = await (snapshot
        ? open().state.create(snapshot, { ...created, signal })
        : open().restore(created, signal));
      return workshopOf(await options.sandboxes.add(machine, created), name);
    },
  });

  const workshopOf = (known: KnownSandbox, template: string): Workshop => {
    const { sandboxId } = known;
    const save = async (
      how: { name: string; store: SnapshotStore; isFlat?: boolean },
      settings?: Settings,
    ): Promise<void> =>
      options.sandboxes.withRunning(sandboxId, async (_known, { machine, access }) => {
        const { envs, ...defaults } = settings ?? initialSettings;
        const identity = { sandboxId, templateId: template, envs, growDisk: false };
        if (settings) await machine.hello({ ...identity, defaults });
        const kept = { ...known.options, template, envs, timeoutMs: LIFETIME_MS };
        const details = detailsOf({ options: kept, startedAt: known.startedAt }, access);
        await open().state.snapshot(machine, { ...details, defaults }, how);
      });
    return {
      sandbox: new Sandbox(known.connection(), options.provider()),
      saveLayer: (name) => save({ name, store: layers }),
      finish: (name, settings) => save({ name, store: templates, isFlat: true }, settings),
      async [Symbol.asyncDispose]() {
        await options.sandboxes.kill(sandboxId);
      },
    };
  };

  return {
    find,
    async build(request, { name, onBuildLogs, signal, ...asked }) {
      if (!isOwnName(name)) throw taken(name);
      const shape = resolveCreateOptions({ ...asked, timeoutMs: BUILD_MS });
      const tell = notifier("onBuildLogs", onBuildLogs);
      const work = async (): Promise<BuiltTemplate> => {
        const file = await openLogFile(logFileOf(state, name));
        const log = (entry: TemplateLog): void => {
          file.add(entry);
          tell(entry);
        };
        try {
          const host = hostOf(name, shape, log, signal);
          const built = await buildTemplate(request, host, { template: name, log, signal });
          const snapshot = (await templates.find(built))!;
          await templates.name(snapshot.snapshotId, name);
          await file.end();
          return await infoOf(name, snapshot);
        } catch (error) {
          await file.end(error);
          throw error;
        }
      };
      return withLock(join(templatesIn(state), `.${name}.lock`), work, {
        ...(signal && { signal }),
        onWait: () => tell({ type: "progress", text: `waiting for another build of ${name}` }),
      });
    },
    async list() {
      const names = (await templates.list()).flatMap((info) => info.names.filter(isOwnName));
      const all = await Promise.all(
        names.toSorted().map(async (name) => {
          const own = await templates.find(name).catch(() => undefined);
          return own && infoOf(name, own);
        }),
      );
      return all.filter((info) => info !== undefined);
    },
    async delete(name) {
      if (!isOwnName(name)) return false;
      await rm(logFileOf(state, name), { force: true });
      return templates.delete(name);
    },
  };
}

/** What is neither a template that comes with the engine nor what builds call theirs. */
const isOwnName = (name: string): boolean =>
  !isTemplateName(name) && !isBuiltName(name) && !isContainerName(name);

async function infoOf(
  name: string,
  { snapshotId, directory, manifest }: Snapshot,
): Promise<BuiltTemplate> {
  const { memoryMB, cpuCount } = manifest.options;
  const ram = await stat(join(directory, "base", baseFiles.ram));
  return {
    name,
    buildId: snapshotId,
    createdAt: new Date(manifest.createdAt),
    memoryMB,
    cpuCount,
    sizeBytes: ownBytes(manifest) + diskBytes(ram),
  };
}

function taken(name: string): EmberboxError {
  const what = `\`${name}\` is the name of a template that comes with the engine, or of a part of a build`;
  return new EmberboxError("invalid_argument", what);
}

function unknown(name: string): EmberboxError {
  return new EmberboxError("unknown_template", `there is no template \`${name}\` to build from`, {
    hint: `For a container image, say which one: \`${name}:latest\`.`,
  });
}
