import type { WorkspaceOptions } from "@emberbox/core/workspace";
import type { Manifest } from "@openai/agents-core/sandbox";
import { unsupported } from "../failure.ts";

/**
 * Refuses what cannot be honoured, before anything is created. Folders of this machine are brought along only when a
 * sandbox is created: of one that is there, `folders` says which it has.
 * @throws `SandboxUnsupportedFeatureError`
 */
export function checkManifest(
  manifest: Manifest,
  folders?: readonly { readonly guest: string }[],
): void {
  for (const { entry, mountPath } of manifest.mountTargets()) {
    if (!isFolder(entry))
      throw unsupported(
        `${mountPath} is a mount (${entry.type}), which the sandbox does not have. Copy the data in with \`local_dir\` ` +
          "or `git_repo`, or fetch it with a command.",
        `manifest.${entry.type}`,
      );
    if (folders === undefined || folders.some(({ guest }) => guest === mountPath)) continue;
    throw unsupported(
      `${mountPath} is a folder of this machine, which has to be in the manifest that the session begins with.`,
      `manifest.${entry.type}`,
    );
  }
  const shared = manifest.extraPathGrants.find(({ hostPath }) => hostPath !== undefined);
  if (shared === undefined) return;
  throw unsupported(
    `The path grant ${shared.path} names a directory of this machine. The sandbox shares none; copy it in with ` +
      "`local_dir`, or bring it along with a mount whose strategy is `local_bind`.",
    "manifest.extraPathGrants.hostPath",
  );
}

type Mounted = ReturnType<Manifest["mountTargets"]>[number]["entry"];

const isFolder = (entry: Mounted): entry is Mounted & { source: string } =>
  entry.type === "mount" &&
  entry.mountStrategy?.type === "local_bind" &&
  typeof entry.source === "string";

/**
 * Folders of this machine that a manifest mounts. Where a mount may be written, changes stay in the sandbox until they
 * are applied.
 */
export function foldersOf(manifest: Manifest): WorkspaceOptions[] {
  return manifest.mountTargets().flatMap(({ entry, mountPath }): WorkspaceOptions[] => {
    if (!isFolder(entry)) return [];
    const mode = entry.readOnly === false ? "review" : "readonly";
    return [{ host: entry.source, guest: mountPath, mode }];
  });
}
