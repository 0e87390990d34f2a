import type { AuditOptions } from "../audit-options.ts";
import type { SandboxProvider } from "../provider.ts";
import { Sandbox } from "../sandbox.ts";
import type { SandboxPosition } from "./position.ts";

/** Whose copy it is, and how long it lives. */
export interface CopyOptions {
  readonly provider: SandboxProvider;
  readonly timeoutMs: number;
  readonly audit?: AuditOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A new sandbox as another one was at a position, recorded as the other was. @throws what `Sandbox.branch` throws */
export async function copyAt(
  { sandboxId, checkpointId }: SandboxPosition,
  { audit, ...options }: CopyOptions,
): Promise<Sandbox> {
  const [made] = await Sandbox.branch(sandboxId, checkpointId, options);
  if (!(made instanceof Sandbox)) throw made;
  if (audit === undefined) return made;
  try {
    return await Sandbox.connect(made.sandboxId, { ...options, audit });
  } catch (error) {
    await made.kill();
    throw error;
  }
}
