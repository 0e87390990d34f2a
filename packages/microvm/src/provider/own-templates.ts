import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { EmberboxError } from "@emberbox/core";
import { notifier } from "@emberbox/core/background";
import type { CreateOptions } from "@emberbox/core/provider";
import {
  type BuildTemplateOptions,
  type BuiltTemplate,
  DEFAULT_TAG,
  type TemplateLog,
  type TemplateRequest,
  type TemplateTag,
} from "@emberbox/core/template";
import { type BuildHost, buildTemplate, isBuiltName } from "../build/build-template.ts";
import { logFileOf, openLogFile } from "../build/log-file.ts";
import { layersIn, templatesIn } from "../build/places.ts";
import { initialSettings } from "../build/steps.ts";
import { keyFor, openTags, type Tags } from "../build/tags.ts";
import { diskBytes } from "../host/disk-bytes.ts";
import { withLock } from "../host/lock.ts";
import { IMAGE_DISK_MB } from "../image/recipe.ts";
import { resolveCreateOptions, type ResolvedCreateOptions } from "../restore/create-options.ts";
import { isContainerName } from "../container/store.ts";
import { isReadyBuild } from "../ready/index.ts";
import { baseFiles } from "../saved/base.ts";
import { openSnapshots, ownBytes, type Snapshot } from "../saved/snapshots.ts";
import { obtainImageOf } from "./container-images.ts";
import {
  isEngineTemplate,
  isMcpTemplate,
  machineTemplate,
  mcpGatewayKey,
  putMcpGateway,
} from "./mcp-template.ts";
import { createOwnShapes, type OwnShapes } from "./own-shapes.ts";
import { shapeOf } from "./sandbox-info.ts";
import { BUILD_MS, openWorkshop, type WorkshopsOptions } from "./workshop.ts";

/** Templates of one's own, and the layers that builds have in common. */
export interface OwnTemplates {
  readonly tags: Tags;
  /** By `name`, `name:tag` or the id of a build. */
  find(name: string): Promise<Snapshot | undefined>;
  /** A template as it is wanted, for the QEMU that is here. What is not there is made, which takes minutes. */
  shaped: OwnShapes["of"];
  build(request: TemplateRequest, options: BuildTemplateOptions): Promise<BuiltTemplate>;
  list(): Promise<BuiltTemplate[]>;
  /** Those of one name, the newest first. */
  buildsOf(name: string): Promise<BuiltTemplate[]>;
  /** Gives a build further tags. @throws `unknown_template` */
  tag(name: string, tags: readonly string[]): Promise<BuiltTemplate>;
  delete(name: string): Promise<boolean>;
}

export interface OwnTemplatesOptions extends WorkshopsOptions {
  /** Where saved machines are. */
  readonly state: string;
  /** One that comes as a recipe, built first if it must be. */
  readonly ready: (
    name: string,
    asked: Pick<CreateOptions, "networkCeiling" | "signal">,
  ) => Promise<Snapshot | undefined>;
}

export function createOwnTemplates(options: OwnTemplatesOptions): OwnTemplates {
  const { state, open } = options;
  const templates = openSnapshots(templatesIn(state));
  const layers = openSnapshots(layersIn(state));
  const shapes = createOwnShapes(options);
  const tags = openTags(state, templates, (buildId) => shapes.forget(buildId));
  const find = async (name: string): Promise<Snapshot | undefined> =>
    isOwnName(name) ? templates.find(keyFor(name)) : undefined;

  const hostOf = (
    name: string,
    asked: Pick<BuildTemplateOptions, "memoryMB" | "cpuCount">,
    shape: ResolvedCreateOptions,
    log: (entry: TemplateLog) => void,
    signal: AbortSignal | undefined,
  ): BuildHost => ({
    layers,
    templates,
    async base(from) {
      const disk = shape.diskMB === IMAGE_DISK_MB ? "" : ` ${shape.diskMB} MiB`;
      if (typeof from === "object") {
        const { ceiling } = shape.access;
        const onProgress = (text: string): void => log({ type: "progress", text });
        const made = await obtainImageOf(from, { ceiling, onProgress, signal }, options);
        const { name, user, workdir, envs } = made;
        const { key } = await open().template({ ...shape, template: name }, signal);
        return { key: key + disk, settings: { user, workdir, envs }, start: {}, template: name };
      }
      if (isEngineTemplate(from)) {
        const machine = { ...shape, template: machineTemplate(from) };
        const plain = await open().template(machine, signal);
        const key = isMcpTemplate(from) ? `${plain.key} ${await mcpGatewayKey()}` : plain.key;
        return { key: key + disk, settings: initialSettings, start: {}, template: from };
      }
      const within = { networkCeiling: shape.access.ceiling, signal };
      const own = (await find(from)) ?? (await options.ready(from, within));
      if (!own) throw unknown(from);
      const { memoryMB, cpuCount } = own.manifest.options;
      const wanted = {
        memoryMB: asked.memoryMB ?? memoryMB,
        cpuCount: asked.cpuCount ?? cpuCount,
      };
      const snapshot = await shapes.of(own, { template: from, ...wanted, signal });
      const { options: kept, defaults, start = {} } = snapshot.manifest;
      const key = `${snapshot.snapshotId} ${JSON.stringify(shapeOf(kept))}${disk}`;
      const settings = { ...initialSettings, ...defaults, envs: kept.envs };
      return { key, settings, start, template: from, snapshot };
    },
    async open({ template, snapshot }) {
      const created: ResolvedCreateOptions = {
        ...shape,
        ...(snapshot && shapeOf(snapshot.manifest.options)),
        diskMB: Math.max(shape.diskMB, snapshot?.manifest.options.diskMB ?? 0),
        template: machineTemplate(template),
        envs: snapshot?.manifest.options.envs ?? {},
      };
      const machine = await (snapshot
        ? open().state.create(snapshot, { ...created, signal })
        : open().restore(created, signal));
      const workshop = await openWorkshop(machine, options, {
        ...{ created, template: name, layers, templates },
      });
      if (!isMcpTemplate(template) || snapshot) return workshop;
      try {
        await putMcpGateway(workshop.sandbox, signal);
        return workshop;
      } catch (error) {
        await workshop[Symbol.asyncDispose]();
        throw error;
      }
    },
  });

  /** The newest first. What is damaged is left out. */
  const buildsOf = async (name: string): Promise<BuiltTemplate[]> => {
    const given = await tags.of(name);
    const ids = [...new Set(given.map(({ buildId }) => buildId))];
    const all = await Promise.all(
      ids.map(async (id) => {
        const own = await templates.find(id).catch(() => undefined);
        return own ? [await infoOf(name, own, given, await shapes.all(id))] : [];
      }),
    );
    return all.flat().toSorted((one, other) => Number(other.createdAt) - Number(one.createdAt));
  };

  return {
    tags,
    find,
    buildsOf,
    shaped: shapes.of,
    async build(
      request,
      { name, tags: given = [DEFAULT_TAG], minFreeDiskMB = 0, onBuildLogs, signal, ...asked },
    ) {
      if (!isOwnName(name)) throw taken(name);
      const diskMB = IMAGE_DISK_MB + minFreeDiskMB;
      const shape = resolveCreateOptions({ ...asked, diskMB, timeoutMs: BUILD_MS });
      const tell = notifier("onBuildLogs", onBuildLogs);
      const work = async (): Promise<BuiltTemplate> => {
        const file = await openLogFile(logFileOf(state, name));
        const log = (entry: TemplateLog): void => {
          file.add(entry);
          tell(entry);
        };
        try {
          const host = hostOf(name, asked, shape, log, signal);
          let snapshot: Snapshot | undefined;
          while (snapshot === undefined) {
            const built = await buildTemplate(request, host, { template: name, log, signal });
            // What was found built may lose its last tag, and be removed, before it gets these.
            snapshot = await tags.give(name, given, built);
          }
          await file.end();
          return await infoOf(
            name,
            snapshot,
            await tags.of(name),
            await shapes.all(snapshot.snapshotId),
          );
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
      const keys = (await templates.names()).map(({ name }) => name).filter(isOwnName);
      const all = keys.map((key) => key.split(":", 1)[0]!);
      const names = new Set(all.filter((name) => !isReadyBuild(name)).toSorted());
      return (await Promise.all([...names].map((name) => buildsOf(name)))).flat();
    },
    async tag(name, given) {
      const own = await find(name);
      const [plain = ""] = name.split(":");
      if (!own || !(await tags.give(plain, given, own.snapshotId))) throw unknown(name);
      return infoOf(plain, own, await tags.of(plain), await shapes.all(own.snapshotId));
    },
    async delete(name) {
      if (!isOwnName(name)) return false;
      await rm(logFileOf(state, name), { force: true });
      return tags.take(name);
    },
  };
}

/** What is neither a template that comes with the engine nor what builds call theirs. */
function isOwnName(full: string): boolean {
  const [name = ""] = full.split(":");
  return !isEngineTemplate(name) && !isBuiltName(name) && !isContainerName(name);
}

async function infoOf(
  name: string,
  own: Snapshot,
  tags: readonly TemplateTag[],
  shapes: readonly Snapshot[],
): Promise<BuiltTemplate> {
  const { memoryMB, cpuCount } = own.manifest.options;
  const sizes = await Promise.all([own, ...shapes].map(bytesOf));
  return {
    name,
    tags: tags.flatMap(({ tag, buildId }) => (buildId === own.snapshotId ? [tag] : [])),
    buildId: own.snapshotId,
    createdAt: new Date(own.manifest.createdAt),
    memoryMB,
    cpuCount,
    sizeBytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
  };
}

async function bytesOf({ directory, manifest }: Snapshot): Promise<number> {
  return ownBytes(manifest) + diskBytes(await stat(join(directory, "base", baseFiles.ram)));
}

export function taken(name: string): EmberboxError {
  const what = `\`${name}\` is the name of a template that comes with the engine, or of a part of a build`;
  return new EmberboxError("invalid_argument", what);
}

function unknown(name: string): EmberboxError {
  return new EmberboxError("unknown_template", `there is no template \`${name}\` to build from`, {
    hint: `For a container image, say which one: \`${name}:latest\`.`,
  });
}
