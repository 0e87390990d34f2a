import { createHash, randomUUID } from "node:crypto";
import type { Sandbox } from "@emberbox/core";
import {
  type Manifest,
  resolveSandboxArchiveLimits,
  type SandboxArchiveLimits,
  SandboxArchiveError,
  type WorkspaceArchiveData,
} from "@openai/agents-core/sandbox";
import { shellQuote } from "@openai/agents-core/sandbox/internal";
import { runAsRoot } from "../root.ts";
import { checkTar } from "./tar.ts";

export const FINGERPRINT_VERSION = "emberbox_tar_sha256_v1";

/** The workspace as a tar archive, without entries that the manifest marks as ephemeral. */
export async function archiveWorkspace(sandbox: Sandbox, manifest: Manifest): Promise<Uint8Array> {
  const file = `/tmp/.emberbox-${randomUUID()}.tar`;
  const ephemeral = [...manifest.ephemeralPersistencePaths()];
  const excluded = ephemeral.some((path) => path === "" || path === ".")
    ? ["--no-recursion"]
    : ephemeral.map((path) => `--exclude=${shellQuote(`./${path}`)}`);
  const tar = `tar --create --sort=name --numeric-owner --anchored --no-wildcards ${excluded.join(" ")}`;
  try {
    await runAsRoot(sandbox, `${tar} --file=${file} --directory=${shellQuote(manifest.root)} .`);
    return await sandbox.files.read(file, { format: "bytes", user: "root" });
  } finally {
    await sandbox.files.remove(file, { user: "root" }).catch(() => {});
  }
}

/** Makes the workspace what is in an archive, and nothing else. @throws `SandboxArchiveError` */
export async function unpackWorkspace(
  sandbox: Sandbox,
  root: string,
  data: WorkspaceArchiveData,
  limits: SandboxArchiveLimits | null | undefined,
): Promise<void> {
  const bytes = bytesOf(data);
  checkTar(bytes, limits === null ? null : resolveSandboxArchiveLimits(limits ?? {}));
  const file = `/tmp/.emberbox-${randomUUID()}.tar`;
  try {
    await sandbox.files.write(file, bytes, { user: "root" });
    const into = shellQuote(root);
    const clear = root === "/" ? "" : `find ${into} -xdev -mindepth 1 -delete && `;
    await runAsRoot(
      sandbox,
      `${clear}tar --extract --numeric-owner --preserve-permissions --file=${file} --directory=${into}`,
    );
  } finally {
    await sandbox.files.remove(file, { user: "root" }).catch(() => {});
  }
}

export function fingerprintOf(archive: Uint8Array): string {
  return createHash("sha256").update(archive).digest("hex");
}

function bytesOf(data: WorkspaceArchiveData): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new SandboxArchiveError("Expected the workspace's archive to be bytes of a tar file");
}
