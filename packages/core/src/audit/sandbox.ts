import type { AuditOptions } from "../audit-options.ts";
import { background } from "../background.ts";
import type { CreateOptions, SandboxProvider } from "../provider.ts";
import { recorded } from "./recorded.ts";
import { Recorder } from "./recorder.ts";

/** What is recorded of: a sandbox, whichever class it has. */
interface Audited {
  readonly sandboxId: string;
  readonly ended: AbortSignal | undefined;
  kill(): Promise<boolean>;
}

/** Creates a sandbox whose calls are recorded, by what creates one. @throws `audit_failed` */
export async function createAudited<Of extends Audited>(
  audit: AuditOptions,
  options: CreateOptions,
  provider: SandboxProvider,
  create: (options: CreateOptions & { readonly provider: SandboxProvider }) => Promise<Of>,
): Promise<Of> {
  const recorder = new Recorder(audit, options.secrets);
  const { onNetwork } = options;
  // Who cannot tell what a sandbox has reached cannot tell of it at once either.
  const watched = provider.getNetworkLog !== undefined && {
    onNetwork: (event: Parameters<Recorder["network"]>[0]) => {
      recorder.network(event);
      // What it throws is for the provider to report.
      return onNetwork?.(event);
    },
  };
  const sandbox = await create({ ...options, ...watched, provider });
  const { template, memoryMB, cpuCount, diskMB, metadata, lifecycle } = options;
  const facts = { template, memoryMB, cpuCount, diskMB, metadata, lifecycle };
  return begin(recorder, sandbox, { how: "create", ...facts });
}

/** Connects to a sandbox, whose calls through this object are recorded. @throws `audit_failed` */
export async function connectAudited<Of extends Audited>(
  audit: AuditOptions,
  sandboxId: string,
  connect: () => Promise<Of>,
): Promise<Of> {
  const recorder = new Recorder(audit);
  await recorder.before({ sandboxId, event: "call", call: recorder.nextCall(), method: "connect" });
  return begin(recorder, await connect(), { how: "connect" });
}

async function begin<Of extends Audited>(
  recorder: Recorder,
  sandbox: Of,
  facts: Readonly<Record<string, unknown>>,
): Promise<Of> {
  const { sandboxId } = sandbox;
  try {
    await recorder.before({ sandboxId, event: "created", ...facts });
  } catch (error) {
    // Nobody is handed a sandbox that is in no record; one that was there before stays.
    if (facts["how"] === "create") await sandbox.kill();
    throw error;
  }
  return watch(recorder, sandbox);
}

function watch<Of extends Audited>(recorder: Recorder, sandbox: Of): Of {
  const { sandboxId, ended } = sandbox;
  const wrapCopy = (copy: unknown): unknown => {
    if (!isSandbox(copy)) return copy;
    const fields = {
      sandboxId: copy.sandboxId,
      event: "created",
      how: "copy",
      of: sandboxId,
    } as const;
    background(recorder.after(fields), () => {});
    return watch(recorder, copy);
  };
  ended?.addEventListener(
    "abort",
    () => {
      const why = ended.reason instanceof Error ? ended.reason.message : undefined;
      background(recorder.after({ sandboxId, event: "ended", why }), () => {});
    },
    { once: true },
  );
  return recorded(sandbox, sandboxId, recorder, wrapCopy);
}

const isSandbox = (value: unknown): value is Audited =>
  typeof value === "object" && value !== null && "sandboxId" in value && "kill" in value;
