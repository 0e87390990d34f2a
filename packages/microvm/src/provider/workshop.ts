import { Sandbox } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import type { Finished, Workshop } from "../build/build-template.ts";
import { initialSettings } from "../build/steps.ts";
import type { ResolvedCreateOptions } from "../restore/create-options.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import type { SnapshotStore } from "../saved/snapshots.ts";
import type { Engine } from "./engine.ts";
import type { KnownSandboxes } from "./known-sandboxes.ts";
import { detailsOf } from "./sandbox-info.ts";

export interface WorkshopsOptions {
  readonly open: () => Engine;
  readonly sandboxes: KnownSandboxes;
  /** The provider that this is a part of. */
  readonly provider: () => SandboxProvider;
}

/** What a workshop saves, and where. */
export interface WorkshopOptions {
  readonly created: ResolvedCreateOptions;
  /** What the template is called that it becomes. */
  readonly template: string;
  readonly layers: SnapshotStore;
  readonly templates: SnapshotStore;
}

/** How long what a build leaves behind if its program hangs may live, in ms. A build takes as long as it takes. */
export const BUILD_MS: number = 24 * 60 * 60 * 1000;
const LIFETIME_MS = 300_000;

/** Takes over a machine that was started to become a template. */
export async function openWorkshop(
  machine: LocalSandbox,
  { open, sandboxes, provider }: WorkshopsOptions,
  { created, template, layers, templates }: WorkshopOptions,
): Promise<Workshop> {
  const known = await sandboxes.add(machine, created);
  const { sandboxId } = known;
  const save = (
    how: { name: string; store: SnapshotStore; isFlat?: boolean },
    finished?: Finished,
  ): Promise<void> =>
    sandboxes.withRunning(sandboxId, async (_known, { machine, access }) => {
      const { envs, ...defaults } = finished?.settings ?? initialSettings;
      const identity = { sandboxId, templateId: template, envs, growDisk: false };
      if (finished) await machine.hello({ ...identity, defaults });
      const kept = { ...known.options, template, envs, timeoutMs: LIFETIME_MS };
      const details = detailsOf({ options: kept, startedAt: known.startedAt }, access);
      const { start } = finished ?? {};
      await open().state.snapshot(machine, { ...details, defaults, start }, how);
    });
  return {
    sandbox: new Sandbox(known.connection(), provider()),
    saveLayer: (name) => save({ name, store: layers }),
    finish: (name, finished) => save({ name, store: templates, isFlat: true }, finished),
    async [Symbol.asyncDispose](): Promise<void> {
      await sandboxes.kill(sandboxId);
    },
  };
}
