import type { SandboxSessionState, Snapshot } from "@openai/agents-core/sandbox";
import { deserializeManifest, serializeManifestRecord } from "@openai/agents-core/sandbox/internal";
import { z } from "zod";

/** The key under which a state, and the framework's copies of it, refer to their session; it is never saved. */
export const liveSession: unique symbol = Symbol("emberbox.session");

/**
 * What is known about a session, and saved while a run waits. It holds no secrets; the values of variables are supplied
 * anew.
 */
export interface EmberboxSessionState extends SandboxSessionState {
  sandboxId: string;
  /** True when the snapshot was made only to outlive a wait; it is deleted with the session. */
  snapshotAutomatic?: boolean;
  [liveSession]?: unknown;
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
