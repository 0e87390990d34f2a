import { execFile } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { onTestFinished } from "vitest";
import type { WorkspaceOptions } from "../workspace-options.ts";
import { IgnoreTree } from "../workspace/ignore-tree.ts";
import { InsideCommands } from "../workspace/inside-commands.ts";
import type { Inside } from "../workspace/inside.ts";
import { scan } from "../workspace/scan.ts";
import { sendFolder } from "../workspace/send.ts";
import { FolderWorkspace } from "../workspace/workspace.ts";
import { type Reach, Writer } from "../workspace/writer.ts";

/** A directory that is gone once the test has ended. Its path has no links. */
export async function temporary(): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "emberbox-test-")));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Commands and files of this machine in the place of a sandbox's: the same shell, `find`, `sha256sum` and `tar`. */
export const localReach = {
  commands: {
    run: (command: string) =>
      new Promise((resolve) => {
        execFile("bash", ["-c", command], (error, stdout, stderr) => {
          resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
        });
      }),
  },
  files: {
    read: async (path: string) => Readable.toWeb(createReadStream(path)),
    write: async (target: unknown, data: unknown) => {
      const files = Array.isArray(target) ? target : [{ path: target, data }];
      for (const file of files as { path: string; data: Uint8Array | ReadableStream }[]) {
        const source = file.data instanceof ReadableStream ? file.data : Readable.from([file.data]);
        await pipeline(source as Readable, createWriteStream(file.path));
      }
    },
  },
} as unknown as Reach;

export interface LocalWorkspace {
  readonly host: string;
  readonly guest: string;
  readonly workspace: FolderWorkspace;
}

/** A workspace whose sandbox is a directory; `inside` may replace what reaches it. */
export async function localWorkspace(
  host: string,
  options: Omit<WorkspaceOptions, "host"> = {},
  inside: (own: Inside) => Inside = (own) => own,
): Promise<LocalWorkspace> {
  const guest = join(await temporary(), "guest");
  await mkdir(guest);
  const ignore = new IgnoreTree(options.ignore, options.gitignore);
  const { baseline, leftOut } = await scan(host, { ignore, secrets: options.secrets ?? false });
  const writer = new Writer(localReach, guest);
  const sent = await sendFolder(writer, host, baseline);
  const workspace = new FolderWorkspace({
    ...{ host, guest, mode: options.mode ?? "review", options, leftOut, ignore },
    inside: inside(new InsideCommands(localReach, guest, writer)),
    baseline: async () => sent,
    save: async () => {},
  });
  return { host, guest, workspace };
}
