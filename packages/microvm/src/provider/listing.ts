import type { SandboxInfo } from "@emberbox/core";
import type { SharedWork } from "@emberbox/core/concurrency";
import type { PausedStore } from "../saved/paused.ts";
import type { KnownSandbox } from "./known-sandbox.ts";
import { pausedInfo } from "./sandbox-info.ts";

/** Where a sandbox may be found. For a moment, one that is being resumed is neither known to run nor on disk. */
export interface Whereabouts {
  readonly known: ReadonlyMap<string, KnownSandbox>;
  readonly resuming: SharedWork<KnownSandbox>;
  readonly paused: PausedStore;
}

/** All running and paused sandboxes, each once, even if they change meanwhile. */
export async function listSandboxes({
  known,
  resuming,
  paused,
}: Whereabouts): Promise<SandboxInfo[]> {
  const found = new Map<string, SandboxInfo>();
  const add = (infos: (SandboxInfo | undefined)[]): void => {
    for (const info of infos) if (info !== undefined) found.set(info.sandboxId, info);
  };
  const addRunning = (): void => add([...known.values()].map((sandbox) => sandbox.info()));
  addRunning();
  add((await paused.list()).map(pausedInfo));
  addRunning();
  const between = [...resuming.going()].filter(([sandboxId]) => !found.has(sandboxId));
  await Promise.all(
    between.map(([, resumed]) => resumed.then((sandbox) => add([sandbox.info()])).catch(() => {})),
  );
  return [...found.values()];
}

export async function findSandbox(
  where: Whereabouts,
  sandboxId: string,
): Promise<SandboxInfo | undefined> {
  const info = await look(where, sandboxId);
  if (info) return info;
  await where.resuming
    .going()
    .get(sandboxId)
    ?.catch(() => {});
  return look(where, sandboxId);
}

async function look(
  { known, paused }: Whereabouts,
  sandboxId: string,
): Promise<SandboxInfo | undefined> {
  const info = known.get(sandboxId)?.info();
  if (info) return info;
  const manifest = await paused.find(sandboxId);
  return manifest && pausedInfo(manifest);
}
