import { background } from "../background.ts";
import type { CreateOptions, SandboxProvider } from "../provider.ts";
import type { Recorder } from "./recorder.ts";

/** Creates a sandbox, and records that and what it tries to reach. @throws what `create` throws, and `audit_failed` */
export async function recordCreate<Made extends { readonly sandboxId: string }>(
  recorder: Recorder,
  provider: SandboxProvider,
  options: CreateOptions,
  how: {
    readonly create: (options: CreateOptions) => Promise<Made>;
    readonly kill: (made: Made) => Promise<unknown>;
  },
): Promise<Made> {
  const { onNetwork } = options;
  // Who cannot tell what a sandbox has reached cannot tell of it at once either.
  const watched = provider.getNetworkLog !== undefined && {
    onNetwork: (event: Parameters<Recorder["network"]>[0]) => {
      recorder.network(event);
      // What it throws is for the provider to report.
      return onNetwork?.(event);
    },
  };
  const made = await how.create({ ...options, ...watched });
  const { sandboxId } = made;
  const { template, memoryMB, cpuCount, diskMB, metadata, lifecycle } = options;
  const facts = { template, memoryMB, cpuCount, diskMB, metadata, lifecycle };
  try {
    await recorder.before({ sandboxId, event: "created", how: "create", ...facts });
    return made;
  } catch (error) {
    // Nobody is handed a sandbox that is in no record.
    await how.kill(made);
    throw error;
  }
}

/** Records the end of a sandbox, once it comes. */
export function recordEnd(
  recorder: Recorder,
  { sandboxId, ended }: { readonly sandboxId: string; readonly ended?: AbortSignal | undefined },
): void {
  ended?.addEventListener(
    "abort",
    () => {
      const why = ended.reason instanceof Error ? ended.reason.message : undefined;
      background(recorder.after({ sandboxId, event: "ended", why }), () => {});
    },
    { once: true },
  );
}
