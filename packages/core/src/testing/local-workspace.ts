import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { localReach } from "./local-reach.ts";
import { temporary } from "./temporary.ts";
import type { WorkspaceOptions } from "../workspace-options.ts";
import { IgnoreTree } from "../workspace/ignore-tree.ts";
import { InsideCommands } from "../workspace/inside-commands.ts";
import type { Inside } from "../workspace/inside.ts";
import { scan } from "../workspace/scan.ts";
import { sendFolder } from "../workspace/send.ts";
import { FolderWorkspace } from "../workspace/workspace.ts";
import { Writer } from "../workspace/writer.ts";

export interface LocalWorkspace {
  readonly host: string;
  readonly guest: string;
  readonly workspace: FolderWorkspace;
}

/** A workspace whose sandbox is a directory; `inside` may replace what reaches it. */
export async function localWorkspace(
  host: string,
  {
    isForeign = false,
    ...options
  }: Omit<WorkspaceOptions, "host"> & { readonly isForeign?: boolean } = {},
  inside: (own: Inside) => Inside = (own) => own,
): Promise<LocalWorkspace> {
  const guest = join(await temporary(), "guest");
  await mkdir(guest);
  const ignore = new IgnoreTree(options.ignore, options.gitignore);
  const { baseline, leftOut } = await scan(host, { ignore, secrets: options.secrets ?? false });
  const writer = new Writer(localReach, guest);
  const sent = await sendFolder(writer, host, baseline);
  const workspace = new FolderWorkspace({
    ...{ host, guest, mode: options.mode ?? "review", options, leftOut, ignore, isForeign },
    inside: inside(new InsideCommands(localReach, guest, writer)),
    baseline: async () => sent,
    save: async () => {},
  });
  return { host, guest, workspace };
}
