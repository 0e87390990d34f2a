import { EmberboxError, type Sandbox } from "@emberbox/core";
import type { BuildTemplateOptions, TemplateLog, TemplateRequest } from "@emberbox/core/template";
import type { StartCommands } from "../saved/manifest.ts";
import type { Snapshot, SnapshotStore } from "../saved/snapshots.ts";
import { keysOf } from "./keys.ts";
import { startAndWait } from "./start-command.ts";
import { doStep, type Settings, settingsAfter, textOf } from "./steps.ts";
import { withName } from "./users.ts";
import { warmLanguage } from "./warm-language.ts";

/** What a template's sandboxes have, and what it starts when one of its machines boots. */
export interface Finished {
  readonly settings: Settings;
  readonly start: StartCommands;
}

/** A running sandbox that becomes a template. */
export interface Workshop extends AsyncDisposable {
  readonly sandbox: Sandbox;
  /** Saves it as it is, for later builds. */
  saveLayer(name: string): Promise<void>;
  /** Saves it as a template. */
  finish(name: string, finished: Finished): Promise<void>;
}

/** What a build's sandbox is made from: a template of the engine's, or what was saved of one. */
export interface Beginning {
  readonly template: string;
  readonly snapshot?: Snapshot | undefined;
}

/** What a build needs of the engine. */
export interface BuildHost {
  readonly layers: SnapshotStore;
  readonly templates: SnapshotStore;
  /** What a build from a template depends on, and begins with. @throws `unknown_template` */
  base(from: TemplateRequest["from"]): Promise<Beginning & Finished & { key: string }>;
  /** Starts a sandbox. */
  open(from: Beginning): Promise<Workshop>;
}

/** Names of what builds keep. */
const layerName = (key: string): string => `layer-${key}`;
const builtName = (key: string): string => `built-${key}`;
export const isBuiltName = (name: string): boolean => /^built-[0-9a-f]{40}$/.test(name);

type Options = Pick<BuildTemplateOptions, "signal"> & {
  /** What the template is to be called. */
  readonly template: string;
  readonly log: (log: TemplateLog) => void;
};

/** Builds a template, or finds it built, and returns the name by which it is in the store. */
export async function buildTemplate(
  request: TemplateRequest,
  host: BuildHost,
  { template, log, signal }: Options,
): Promise<string> {
  const { steps, freshFrom = steps.length } = request;
  const base = await host.base(request.from);
  const keys = keysOf(request, base.key);
  const name = builtName(keys.finished);
  const isFresh = request.freshFrom !== undefined;
  const isBuilt = !isFresh && (await usable(host.templates, name)) !== undefined;
  const layer = isBuilt ? undefined : await lastLayer(host.layers, keys.steps, freshFrom);
  const cached = isBuilt ? steps.length : (layer?.steps ?? 0);
  let { settings } = base;
  const begin = (index: number): void => {
    const text = textOf(steps[index]!);
    const isCached = index < cached;
    log({ type: "step", step: index + 1, steps: steps.length, text, isCached });
  };
  for (let index = 0; index < cached; index++) {
    begin(index);
    settings = settingsAfter(settings, steps[index]!);
  }
  if (isBuilt) return name;
  signal?.throwIfAborted();
  await using workshop = await host.open(layer ? { template, snapshot: layer.snapshot } : base);
  const { sandbox } = workshop;
  settings = await withName(settings, sandbox, signal);
  for (let index = cached; index < steps.length; index++) {
    const step = steps[index]!;
    begin(index);
    await doStep(step, { sandbox, settings, log, signal });
    signal?.throwIfAborted();
    settings = await withName(settingsAfter(settings, step), sandbox, signal);
    // The others take no time to be done again.
    if (step.type === "RUN" || step.type === "COPY" || step.type === "UNPACK")
      await workshop.saveLayer(layerName(keys.steps[index]!));
  }
  await warmLanguage({ sandbox, settings, log, signal });
  await startAndWait(request, { sandbox, settings, log, signal });
  log({ type: "progress", text: "saving the template" });
  await workshop.finish(name, { settings, start: startOf(request) ?? base.start });
  return name;
}

/** What a build starts itself; what the template starts that it began with runs already. */
function startOf({ startCommand, readyCommand }: TemplateRequest): StartCommands | undefined {
  if (startCommand === undefined && readyCommand === undefined) return undefined;
  return { startCommand, readyCommand };
}

/** The layer after the most steps, of the first `end`. */
async function lastLayer(
  layers: SnapshotStore,
  keys: readonly string[],
  end: number,
): Promise<{ steps: number; snapshot: Snapshot } | undefined> {
  for (let steps = end; steps > 0; steps--) {
    const snapshot = await usable(layers, layerName(keys[steps - 1]!));
    if (snapshot !== undefined) return { steps, snapshot };
  }
  return undefined;
}

/** What is damaged, or was saved by another version, is built again. */
export async function usable(store: SnapshotStore, name: string): Promise<Snapshot | undefined> {
  try {
    return await store.find(name);
  } catch (error) {
    if (EmberboxError.isInstance(error)) return undefined;
    throw error;
  }
}
