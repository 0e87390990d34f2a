import { Sandbox } from "@emberbox/core";
import type { SandboxProvider } from "@emberbox/core/provider";
import { reportFailure, say } from "../failure.ts";
import { keptText } from "./held.ts";

/**
 * A provider whose sandboxes are paused instead of killed while there are changes in their folders. For servers, whose
 * sandboxes end with a client that knows nothing of folders.
 */
export function keepingChanges(provider: SandboxProvider): SandboxProvider {
  return {
    ...provider,
    async kill(id, ...more) {
      if (await hasChanges(provider, id)) {
        await provider.pause!(id);
        say(keptText(id));
        return true;
      }
      return provider.kill(id, ...more);
    },
  };
}

/** What cannot be looked at may have some. */
async function hasChanges(provider: SandboxProvider, id: string): Promise<boolean> {
  try {
    const sandbox = await Sandbox.connect(id, { provider });
    for (const workspace of sandbox.workspaces)
      if (workspace.mode === "review" && (await workspace.changes()).changes.length > 0)
        return true;
  } catch (error) {
    reportFailure(error);
  }
  return false;
}
