import { isMount, type Manifest } from "@openai/agents-core/sandbox";
import { unsupported } from "../failure.ts";

/**
 * Refuses what cannot be honoured, before anything is created.
 * @throws `SandboxUnsupportedFeatureError`
 */
export function checkManifest(manifest: Manifest): void {
  for (const { entry, absolutePath } of manifest.iterEntries()) {
    if (!isMount(entry)) continue;
    throw unsupported(
      `${absolutePath} is a mount (${entry.type}), which the sandbox does not have. Copy the data in with \`local_dir\` ` +
        "or `git_repo`, or fetch it with a command.",
      `manifest.${entry.type}`,
    );
  }
  const shared = manifest.extraPathGrants.find(({ hostPath }) => hostPath !== undefined);
  if (shared === undefined) return;
  throw unsupported(
    `The path grant ${shared.path} names a directory of this machine. The sandbox shares none; copy it in with \`local_dir\`.`,
    "manifest.extraPathGrants.hostPath",
  );
}
