import type { SandboxSessionState, Snapshot } from "@openai/agents-core/sandbox";
import { deserializeManifest, serializeManifestRecord } from "@openai/agents-core/sandbox/internal";
import { z } from "zod";

/**
 * What is known about a session, and saved while a run waits. It holds no secrets; the values of variables are supplied
 * anew.
 */
export interface EmberboxSessionState extends SandboxSessionState {
  sandboxId: string;
  /** True when the snapshot was made only to outlive a wait; it is deleted with the session. */
  snapshotAutomatic?: boolean;
}

/** The key under which a state refers to its session. The framework copies it with the state; it is never saved. */
const liveSession = Symbol("emberbox.session");

/** Makes a state, and every copy that the framework makes of it, refer to its session. */
export function referTo(session: object, state: EmberboxSessionState): void {
  Object.assign(state, { [liveSession]: session });
}

/** The session that a state is of, in this program. */
export function sessionOf(state: EmberboxSessionState): unknown {
  return (state as { readonly [liveSession]?: unknown })[liveSession];
}

const schema = z.object({
  sandboxId: z.string().min(1).max(256),
  snapshotAutomatic: z.boolean().optional(),
  snapshot: z
    .looseObject({ type: z.enum(["local", "remote", "emberbox"]), id: z.string().min(1).max(1024) })
    .nullish(),
  snapshotFingerprint: z.string().max(256).nullish(),
  snapshotFingerprintVersion: z.string().max(64).nullish(),
  workspaceReady: z.boolean().optional(),
});

export type SavedFields = z.output<typeof schema>;

/** Checks saved state, which may come from anywhere. @throws `ZodError` */
export function parseSaved(record: Record<string, unknown>): SavedFields {
  return schema.parse(record);
}

export function serializeState(state: EmberboxSessionState): Record<string, unknown> {
  return {
    sandboxId: state.sandboxId,
    ...(state.snapshotAutomatic === true && { snapshotAutomatic: true }),
    snapshot: state.snapshot ?? null,
    snapshotFingerprint: state.snapshotFingerprint ?? null,
    snapshotFingerprintVersion: state.snapshotFingerprintVersion ?? null,
    workspaceReady: true,
    manifest: serializeManifestRecord(state.manifest),
  };
}

export async function deserializeState(
  record: Record<string, unknown>,
): Promise<EmberboxSessionState> {
  const saved = parseSaved(record);
  const manifest = deserializeManifest(record["manifest"] as Record<string, unknown> | undefined);
  return {
    manifest,
    environment: await manifest.resolveEnvironment(),
    sandboxId: saved.sandboxId,
    ...(saved.snapshotAutomatic === true && { snapshotAutomatic: true }),
    snapshot: (saved.snapshot ?? null) as Snapshot | null,
    snapshotFingerprint: saved.snapshotFingerprint ?? null,
    snapshotFingerprintVersion: saved.snapshotFingerprintVersion ?? null,
    workspaceReady: true,
  };
}
