import { createHash } from "node:crypto";
import { join } from "node:path";
import { SharedWork } from "@emberbox/core/concurrency";
import type { TemplateLog } from "@emberbox/core/template";
import { usable } from "../build/build-template.ts";
import { shapesIn } from "../build/places.ts";
import { startAndWait } from "../build/start-command.ts";
import { initialSettings } from "../build/steps.ts";
import { withLock } from "../host/lock.ts";
import { qemuFullVersion } from "../host/programs.ts";
import { type ResolvedCreateOptions, resolveCreateOptions } from "../restore/create-options.ts";
import { templateIn } from "../saved/load.ts";
import { openSnapshots, type Snapshot } from "../saved/snapshots.ts";
import { exercise } from "../template/exercise.ts";
import { REHEARSALS } from "../template/warm.ts";
import { BUILD_MS, openWorkshop, type WorkshopsOptions } from "./workshop.ts";

type Wanted = Pick<ResolvedCreateOptions, "template" | "memoryMB" | "cpuCount" | "signal">;

/** Templates of one's own in other shapes than they were built in, or for another QEMU. */
export interface OwnShapes {
  /** The template as it is wanted. What is not there boots once from the template's disk, which takes minutes. */
  of(own: Snapshot, wanted: Wanted): Promise<Snapshot>;
  /** Those that there are of a template. */
  all(snapshotId: string): Promise<Snapshot[]>;
  /** Removes those of a template that was deleted. */
  forget(snapshotId: string): Promise<void>;
}

export function createOwnShapes(options: WorkshopsOptions & { readonly state: string }): OwnShapes {
  const { open, state } = options;
  const shapes = openSnapshots(shapesIn(state));
  const making = new SharedWork<Snapshot>({ keeps: false });

  const startingWith = async (prefix: string): Promise<string[]> =>
    (await shapes.list())
      .filter(({ names }) => names.some((name) => name.startsWith(prefix)))
      .map(({ snapshotId }) => snapshotId);
  const remove = async (prefix: string): Promise<void> => {
    for (const id of await startingWith(prefix)) await shapes.delete(id);
  };

  const make = async (own: Snapshot, name: string, wanted: Wanted): Promise<Snapshot> => {
    const { template, memoryMB, cpuCount, signal } = wanted;
    const { state, accelerator, onProgress } = open();
    const { envs, diskMB } = own.manifest.options;
    const { defaults, start = {} } = own.manifest;
    const size = `${memoryMB} MiB and ${cpuCount === 1 ? "a processor" : `${cpuCount} processors`}`;
    onProgress(`booting the template ${template} with ${size}, once`);
    const shape = { memoryMB, cpuCount, diskMB };
    const created = resolveCreateOptions({ ...shape, template, envs, timeoutMs: BUILD_MS });
    const chosen = await accelerator(templateIn(own.directory, own.manifest).image);
    const machine = await state.boot(own, { ...created, signal }, chosen.accelerator);
    const saved = { created, template, layers: shapes, templates: shapes };
    await using workshop = await openWorkshop(machine, options, saved);
    onProgress("running every path");
    for (let times = 0; times < REHEARSALS; times++) {
      signal?.throwIfAborted();
      await exercise(machine.endpoint);
    }
    const settings = { ...initialSettings, ...defaults, envs };
    const { sandbox } = workshop;
    const log = (entry: TemplateLog): void => {
      if (entry.type === "progress") onProgress(entry.text);
    };
    await startAndWait(start, { sandbox, settings, log, signal });
    onProgress("saving the machine");
    await workshop.finish(name, { settings, start });
    return (await shapes.find(name))!;
  };

  return {
    async of(own, wanted) {
      const { state: engine, qemu } = open();
      const { memoryMB, cpuCount } = own.manifest.options;
      const isBuilt = wanted.memoryMB === memoryMB && wanted.cpuCount === cpuCount;
      if (isBuilt && (await engine.runs(own))) return own;
      const shape = `${prefixOf(own.snapshotId)}${wanted.cpuCount}cpu-${wanted.memoryMB}mb-`;
      const name = shape + digest(await qemuFullVersion(qemu));
      const find = async (): Promise<Snapshot | undefined> => {
        const found = await usable(shapes, name);
        return found && (await engine.runs(found)) ? found : undefined;
      };
      const obtain = (signal: AbortSignal): Promise<Snapshot> =>
        withLock(
          join(shapesIn(state), `.${name}.lock`),
          async () => {
            const there = await find();
            if (there) return there;
            // Those of another QEMU.
            await remove(shape);
            return make(own, name, { ...wanted, signal });
          },
          { signal },
        );
      return (await find()) ?? making.get(name, obtain, wanted.signal);
    },
    async all(snapshotId) {
      const found = await startingWith(prefixOf(snapshotId));
      const all = await Promise.all(found.map((id) => usable(shapes, id)));
      return all.filter((shape) => shape !== undefined);
    },
    forget: (snapshotId) => remove(prefixOf(snapshotId)),
  };
}

const prefixOf = (snapshotId: string): string => `${snapshotId}-`;

const digest = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 16);
