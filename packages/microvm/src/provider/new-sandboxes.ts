import { isDeepStrictEqual } from "node:util";
import { EmberboxError } from "@emberbox/core";
import { type ResolvedCreateOptions, resolveCreateOptions } from "../restore/create-options.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import type { Snapshot } from "../saved/snapshots.ts";
import { copiedOf } from "../workspaces/folders.ts";
import type { Engine } from "./engine.ts";
import type { EngineOptions } from "./options.ts";
import { type Kind, Pool } from "./pool.ts";

/** New sandboxes from templates: spares, where there are any of that kind, and otherwise restored. */
export interface NewSandboxes {
  /** From a template of one's own, if one is given; otherwise from the one that the options name. */
  obtain(options: ResolvedCreateOptions, own?: Snapshot): Promise<LocalSandbox>;
  close(): Promise<void>;
}

/** How long after a `create` its caller has the processor for a first answer, and how long a spare is kept, in ms. */
const STANDBY = { size: 1, afterMs: 500, keepMs: 60_000 };
const REFILL_AFTER_MS = 50;

export function createNewSandboxes(open: () => Engine, options: EngineOptions): NewSandboxes {
  const size = options.pool?.size ?? 0;
  const usual = resolveCreateOptions({});
  const standsBy = options.standby ?? size === 0;
  const pool = size > 0 ? new Pool({ size, afterMs: REFILL_AFTER_MS }) : undefined;
  const standby = standsBy ? new Pool(STANDBY) : undefined;
  let pending = 0;
  const take = async (
    engine: Engine,
    kind: Kind,
    options: ResolvedCreateOptions,
    own: Snapshot | undefined,
  ): Promise<LocalSandbox> => {
    // What is served to a machine is from its start; a copy of folders may be a spare's, too.
    const hasMounts =
      Object.keys(options.volumeMounts ?? {}).length > 0 ||
      options.workspaces?.some(({ mode }) => mode === "live") === true;
    const spare = hasMounts ? undefined : (pool?.take(kind) ?? standby?.take(kind));
    pool?.expect(kindOf(engine, usual));
    const adopted = spare && (await adopt(spare, options, own?.manifest.options.envs ?? {}));
    if (adopted) return adopted;
    return own ? engine.state.create(own, options) : engine.restore(options, options.signal);
  };
  return {
    async obtain(options, own) {
      const engine = open();
      const kind = kindOf(engine, options, own);
      pending++;
      const sandbox = await take(engine, kind, options, own).finally(() => pending--);
      // Those that are still being created need the processor.
      if (pending === 0) standby?.expect(kind);
      return sandbox;
    },
    async close() {
      await Promise.all([pool?.close(), standby?.close()]);
    },
  };
}

/** Sandboxes of these options, before they are told what each has of its own. */
function kindOf(
  engine: Engine,
  { template, memoryMB, cpuCount, diskMB, folderImage }: ResolvedCreateOptions,
  own?: Snapshot,
): Kind {
  return {
    key: JSON.stringify([
      ...[template, own?.snapshotId, memoryMB, cpuCount, diskMB],
      folderImage?.key,
    ]),
    make(signal) {
      const { envs } = own?.manifest.options ?? {};
      const usual = resolveCreateOptions({ template, memoryMB, cpuCount, diskMB, envs });
      const bare = { ...usual, folderImage };
      return own ? engine.state.create(own, { ...bare, signal }) : engine.restore(bare, signal);
    },
  };
}

/** Turns a spare into what was asked for; `undefined` if it does not answer. */
async function adopt(
  spare: LocalSandbox,
  { template, access, envs, workspaces }: ResolvedCreateOptions,
  known: Readonly<Record<string, string>>,
): Promise<LocalSandbox | undefined> {
  const { gateway, sandboxId } = spare;
  gateway.configure(access);
  const copied = copiedOf(workspaces);
  if (isDeepStrictEqual(envs, known) && access.isUsual && copied.length === 0) return spare;
  const identity = { sandboxId, templateId: template, envs: { ...envs, ...gateway.envs } };
  const folders = copied.length > 0 && { workspaces: copied };
  try {
    await spare.hello({ ...identity, ...folders, network: gateway.guest, growDisk: false });
    return spare;
  } catch (error) {
    await spare.close(
      new EmberboxError("sandbox_died", "the spare did not answer", { cause: error }),
    );
    return undefined;
  }
}
