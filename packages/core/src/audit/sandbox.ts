import type { AuditOptions } from "../audit-options.ts";
import { background } from "../background.ts";
import type { CreateOptions, SandboxProvider } from "../provider.ts";
import { recordCreate, recordEnd } from "./lifecycle.ts";
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
  const sandbox = await recordCreate(recorder, provider, options, {
    create: (rest) => create({ ...rest, provider }),
    kill: (made) => made.kill(),
  });
  return watch(recorder, sandbox);
}

/** Connects to a sandbox, whose calls through this object are recorded. @throws `audit_failed` */
export async function connectAudited<Of extends Audited>(
  audit: AuditOptions,
  sandboxId: string,
  connect: () => Promise<Of>,
): Promise<Of> {
  const recorder = new Recorder(audit);
  await recorder.before({ sandboxId, event: "call", call: recorder.nextCall(), method: "connect" });
  const sandbox = await connect();
  await recorder.before({ sandboxId: sandbox.sandboxId, event: "created", how: "connect" });
  return watch(recorder, sandbox);
}

function watch<Of extends Audited>(recorder: Recorder, sandbox: Of): Of {
  const { sandboxId } = sandbox;
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
  recordEnd(recorder, sandbox);
  return recorded(sandbox, sandboxId, recorder, wrapCopy);
}

const isSandbox = (value: unknown): value is Audited =>
  typeof value === "object" && value !== null && "sandboxId" in value && "kill" in value;
