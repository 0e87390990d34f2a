import type { SandboxSessionState, Snapshot, SnapshotSpec } from "@openai/agents-core/sandbox";
import { deserializeManifest, serializeManifestRecord } from "@openai/agents-core/sandbox/internal";
import { parsePosition, type SandboxPosition } from "@emberbox/core/tools";
import { z } from "zod";
import { port } from "./options.ts";

/**
 * What is known about a session, and saved while a run waits. It holds no secrets; the values of variables are supplied
 * anew.
 */
export interface EmberboxSessionState extends SandboxSessionState {
  sandboxId: string;
  /** True when the snapshot was made only to outlive a wait; it is deleted with the session. */
  snapshotAutomatic?: boolean;
  /** Where the machine was after the last call, with `checkpoints`. */
  position?: SandboxPosition;
  /** How the session is kept; absent to choose automatically. A store is never saved. */
  snapshotSpec?: SnapshotSpec | null;
  /** The only ports that may be asked for; empty for any. */
  configuredExposedPorts?: readonly number[];
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

const types = ["local", "remote", "emberbox"] as const;
/** More are not opened because a state says so. */
const MAX_PORTS = 100;

const specSchema = z
  .object({
    type: z.enum([...types, "noop"]),
    id: z.string().min(1).max(1024).optional(),
    baseDir: z.string().min(1).max(4096).optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
  })
  .nullish();

const schema = z.object({
  sandboxId: z.string().min(1).max(256),
  snapshotAutomatic: z.boolean().optional(),
  snapshot: z.looseObject({ type: z.enum(types), id: z.string().min(1).max(1024) }).nullish(),
  snapshotFingerprint: z.string().max(256).nullish(),
  snapshotFingerprintVersion: z.string().max(64).nullish(),
  snapshotSpec: specSchema,
  configuredExposedPorts: z.array(port).max(MAX_PORTS).optional(),
  exposedPorts: z
    .record(z.string(), z.looseObject({ host: z.string(), port }))
    .refine(
      (given) => z.array(port).max(MAX_PORTS).safeParse(Object.keys(given).map(Number)).success,
    )
    .nullish(),
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
    ...(state.position && { position: { ...state.position } }),
    snapshot: state.snapshot ?? null,
    snapshotFingerprint: state.snapshotFingerprint ?? null,
    snapshotFingerprintVersion: state.snapshotFingerprintVersion ?? null,
    snapshotSpec: specSchema.parse(state.snapshotSpec) ?? null,
    configuredExposedPorts: state.configuredExposedPorts ?? [],
    exposedPorts: state.exposedPorts ?? null,
    workspaceReady: true,
    manifest: serializeManifestRecord(state.manifest),
  };
}

export async function deserializeState(
  record: Record<string, unknown>,
): Promise<EmberboxSessionState> {
  const saved = parseSaved(record);
  const position = parsePosition(record["position"]);
  const manifest = deserializeManifest(record["manifest"] as Record<string, unknown> | undefined);
  return {
    manifest,
    environment: await manifest.resolveEnvironment(),
    sandboxId: saved.sandboxId,
    ...(saved.snapshotAutomatic === true && { snapshotAutomatic: true }),
    ...(position && { position }),
    snapshot: (saved.snapshot ?? null) as Snapshot | null,
    snapshotFingerprint: saved.snapshotFingerprint ?? null,
    snapshotFingerprintVersion: saved.snapshotFingerprintVersion ?? null,
    snapshotSpec: saved.snapshotSpec ?? null,
    configuredExposedPorts: saved.configuredExposedPorts ?? [],
    ...(saved.exposedPorts && { exposedPorts: saved.exposedPorts }),
    workspaceReady: true,
  };
}
