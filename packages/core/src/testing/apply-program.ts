/** Applies what one directory has, as if it were a sandbox's, to another: for tests that kill it meanwhile. */
import { IgnoreTree } from "../workspace/ignore-tree.ts";
import { InsideCommands } from "../workspace/inside-commands.ts";
import { scan } from "../workspace/scan.ts";
import { FolderWorkspace } from "../workspace/workspace.ts";
import { Writer } from "../workspace/writer.ts";
import { localReach } from "./local-reach.ts";

const [host, guest] = process.argv.slice(2) as [string, string];
const ignore = new IgnoreTree();
const { baseline, leftOut } = await scan(host, { ignore, secrets: false });
const inside = new InsideCommands(localReach, guest, new Writer(localReach, guest));
const workspace = new FolderWorkspace({
  ...{ host, guest, mode: "review", options: {}, leftOut, ignore, inside },
  baseline: async () => baseline,
  save: async () => {},
});
const { digest } = await workspace.changes();
const begin = performance.now();
console.log("begins");
await workspace.apply({ digest });
console.log(performance.now() - begin);
