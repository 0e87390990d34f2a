import { type ResolvedCreateOptions, resolveCreateOptions } from "../restore/create-options.ts";
import type { LocalSandbox } from "../restore/sandbox.ts";
import type { Engine } from "./engine.ts";
import { createPool, type Pool } from "./pool.ts";

/** New sandboxes from templates: spares, where there are any of that shape, and otherwise restored. */
export interface NewSandboxes {
  obtain(options: ResolvedCreateOptions): Promise<LocalSandbox>;
  close(): Promise<void>;
}

/** `spares` is how many of the usual shape are kept ready, from the first `obtain` on. */
export function createNewSandboxes(open: () => Engine, spares: number): NewSandboxes {
  let pool: Pool | undefined;
  return {
    async obtain(options) {
      const engine = open();
      if (spares > 0) pool ??= createPool(engine, resolveCreateOptions({}), spares);
      const spare = isUsualShape(options) ? pool?.take() : undefined;
      if (!spare) return engine.restore(options, options.signal);
      await adopt(spare, options);
      return spare;
    },
    async close() {
      await pool?.close();
    },
  };
}

/** Turns a spare into what was asked for. */
async function adopt(
  spare: LocalSandbox,
  { template, access, envs }: ResolvedCreateOptions,
): Promise<void> {
  const { gateway } = spare;
  gateway.configure(access);
  if (Object.keys(envs).length === 0 && access.isUsual) return;
  await spare.hello({
    sandboxId: spare.sandboxId,
    templateId: template,
    envs: { ...envs, ...gateway.envs },
    network: gateway.guest,
    growDisk: false,
  });
}

function isUsualShape(options: ResolvedCreateOptions): boolean {
  const usual = resolveCreateOptions({});
  return (["template", "memoryMB", "cpuCount", "diskMB"] as const).every(
    (key) => options[key] === usual[key],
  );
}
