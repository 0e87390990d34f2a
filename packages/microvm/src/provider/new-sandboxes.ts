import { EmberboxError } from "@emberbox/core";
import { type ResolvedCreateOptions, resolveCreateOptions } from "../restore/create-options.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import type { Engine } from "./engine.ts";
import type { EngineOptions } from "./options.ts";
import { Pool } from "./pool.ts";

/** New sandboxes from templates: spares, where there are any of that shape, and otherwise restored. */
export interface NewSandboxes {
  obtain(options: ResolvedCreateOptions): Promise<LocalSandbox>;
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
  const take = async (engine: Engine, options: ResolvedCreateOptions): Promise<LocalSandbox> => {
    const spare = pool?.take(options) ?? standby?.take(options);
    pool?.expect(engine, usual);
    const adopted = spare && (await adopt(spare, options));
    return adopted ?? engine.restore(options, options.signal);
  };
  return {
    async obtain(options) {
      const engine = open();
      pending++;
      const sandbox = await take(engine, options).finally(() => pending--);
      // Those that are still being created need the processor.
      if (pending === 0) standby?.expect(engine, options);
      return sandbox;
    },
    async close() {
      await Promise.all([pool?.close(), standby?.close()]);
    },
  };
}

/** Turns a spare into what was asked for; `undefined` if it does not answer. */
async function adopt(
  spare: LocalSandbox,
  { template, access, envs }: ResolvedCreateOptions,
): Promise<LocalSandbox | undefined> {
  const { gateway, sandboxId } = spare;
  gateway.configure(access);
  if (Object.keys(envs).length === 0 && access.isUsual) return spare;
  const identity = { sandboxId, templateId: template, envs: { ...envs, ...gateway.envs } };
  try {
    await spare.hello({ ...identity, network: gateway.guest, growDisk: false });
    return spare;
  } catch (error) {
    await spare.close(
      new EmberboxError("sandbox_died", "the spare did not answer", { cause: error }),
    );
    return undefined;
  }
}
