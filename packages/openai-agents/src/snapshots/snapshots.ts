import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Sandbox } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import {
  type RemoteSnapshotSpec,
  type RemoteSnapshotStore,
  type Snapshot,
  type SnapshotSpec,
  SandboxSnapshotNotRestorableError,
  SandboxSnapshotPersistError,
} from "@openai/agents-core/sandbox";
import type { EmberboxSessionState } from "../state.ts";
import { unsupported } from "../failure.ts";
import { archiveWorkspace, fingerprintOf, FINGERPRINT_VERSION } from "./archive.ts";

const LOCAL_ID = /^[0-9a-f-]{36}$/;

/**
 * Refuses snapshots that the provider cannot make, before anything is created.
 * @throws `SandboxUnsupportedFeatureError`
 */
export function checkSpec(spec: SnapshotSpec | undefined, provider: SandboxProvider): void {
  if (spec?.type === "remote") storeOf(spec);
  if (spec?.type !== "emberbox" || provider.capabilities.snapshots) return;
  throw unsupported(
    `The provider ${provider.name} cannot keep machines; use \`{ type: "local" }\` to keep the files.`,
    "snapshot.emberbox",
  );
}

/** Saves the session as the spec says, replacing what was saved of it before. */
export async function saveSnapshot(
  sandbox: Sandbox,
  provider: SandboxProvider,
  state: EmberboxSessionState,
  spec: SnapshotSpec,
): Promise<void> {
  const before = state.snapshot;
  const archive =
    spec.type === "emberbox" ? undefined : await archiveWorkspace(sandbox, state.manifest);
  state.snapshot = await keep(sandbox, spec, archive);
  state.snapshotFingerprint = archive === undefined ? null : fingerprintOf(archive);
  state.snapshotFingerprintVersion = archive === undefined ? null : FINGERPRINT_VERSION;
  if (before && before.id !== state.snapshot.id) await deleteSnapshot(before, provider, spec);
}

/** Loads the whole archive that was saved. @throws `SandboxSnapshotNotRestorableError` */
export async function loadArchive(
  state: EmberboxSessionState,
  spec: SnapshotSpec | undefined,
): Promise<Uint8Array> {
  const data = await load(state.snapshot!, spec);
  const { snapshotFingerprint, snapshotFingerprintVersion } = state;
  if (
    snapshotFingerprintVersion === FINGERPRINT_VERSION &&
    fingerprintOf(data) !== snapshotFingerprint
  ) {
    throw new SandboxSnapshotNotRestorableError(
      "The workspace's archive is not the one that was kept",
      {
        snapshot: state.snapshot,
      },
    );
  }
  return data;
}

export async function deleteSnapshot(
  snapshot: Snapshot,
  provider: SandboxProvider,
  spec: SnapshotSpec | undefined,
): Promise<void> {
  if (snapshot.type === "emberbox") await Sandbox.deleteSnapshot(snapshot.id, { provider });
  if (snapshot.type === "remote" && spec?.type === "remote")
    await storeOf(spec).delete?.({ id: snapshot.id });
  if (snapshot.type === "local") await rm(localFile(snapshot, spec), { force: true });
}

async function keep(
  sandbox: Sandbox,
  spec: SnapshotSpec,
  archive: Uint8Array | undefined,
): Promise<Snapshot> {
  if (archive === undefined)
    return { id: (await sandbox.createSnapshot()).snapshotId, type: "emberbox" };
  if (spec.type === "remote") {
    const { id: asked, metadata: given } = spec as RemoteSnapshotSpec;
    const { id, metadata } = await storeOf(spec).save({
      data: archive,
      ...(asked !== undefined && { id: asked }),
      ...(given !== undefined && { metadata: given }),
    });
    return { id, type: "remote", ...(metadata && { metadata }) };
  }
  const snapshot = { id: randomUUID(), type: "local" };
  const file = localFile(snapshot, spec);
  try {
    await mkdir(folderOf(spec), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, archive, { mode: 0o600, flag: "wx", flush: true });
    await rename(`${file}.new`, file);
  } catch (error) {
    await rm(`${file}.new`, { force: true }).catch(() => {});
    throw new SandboxSnapshotPersistError(`The workspace could not be kept in ${file}`, {
      cause: error,
    });
  }
  return snapshot;
}

async function load(snapshot: Snapshot, spec: SnapshotSpec | undefined): Promise<Uint8Array> {
  const hint =
    snapshot.type === "remote"
      ? 'Give the client the same `snapshot: { type: "remote", store }` as when it was kept.'
      : 'Give the client the same `snapshot: { type: "local", baseDir }` as when it was kept.';
  const file = snapshot.type === "local" ? localFile(snapshot, spec) : undefined;
  try {
    if (file !== undefined) return await readFile(file);
    const { data } = await storeOf(spec).load({ id: snapshot.id });
    return data;
  } catch (error) {
    throw new SandboxSnapshotNotRestorableError(
      `The workspace's archive ${snapshot.id} cannot be read. ${hint}`,
      {
        snapshot,
        cause: error,
      },
    );
  }
}

export function storeOf(spec: SnapshotSpec | undefined): RemoteSnapshotStore {
  const store = spec?.["store"] as RemoteSnapshotStore | undefined;
  if (typeof store?.load === "function" && typeof store.save === "function") return store;
  throw unsupported(
    "A snapshot of type `remote` needs a `store` with `save` and `load`.",
    "snapshot.remote.store",
  );
}

/** Accepts only ids that we made, since the state may come from anybody. */
function localFile({ id }: Snapshot, spec: SnapshotSpec | undefined): string {
  if (LOCAL_ID.test(id)) return join(folderOf(spec), `${id}.tar`);
  throw new SandboxSnapshotNotRestorableError("That is not the id of an archive on this machine", {
    id,
  });
}

function folderOf(spec: SnapshotSpec | undefined): string {
  if (spec?.type === "local" && typeof spec["baseDir"] === "string") return spec["baseDir"];
  const shared = process.env["OPENAI_AGENTS_SANDBOX_SNAPSHOT_DIR"]?.trim();
  if (shared) return shared;
  const home = process.env["EMBERBOX_HOME"];
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(home ?? join(cache, "emberbox"), "workspaces");
}
