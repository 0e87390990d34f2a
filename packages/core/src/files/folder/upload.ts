import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { background } from "../../background.ts";
import { Commands } from "../../commands/commands.ts";
import { EmberboxError } from "../../errors.ts";
import { ignoredBy } from "./ignored.ts";
import type { SandboxConnection } from "../../provider.ts";
import type { Rpc } from "../../wire/rpc.ts";
import { checkPath } from "../path.ts";
import { writeFiles } from "../write.ts";
import { checkPlace, runScript, unpackArchive } from "./guest.ts";
import { type FolderCopy, parseUpload, type UploadDirOptions } from "./options.ts";
import { pack } from "./pack.ts";
import { type Folder, notReadable, scanFolder } from "./scan.ts";

/** How long the sandbox may take to remove an archive that is no longer wanted, in milliseconds. */
const TIDY_MS = 10_000;

/** Sends a folder as one archive, which is unpacked once it is complete. */
export async function uploadDir(
  connection: SandboxConnection,
  rpc: Rpc,
  hostDir: string,
  guestDir: string,
  options: UploadDirOptions | undefined,
): Promise<FolderCopy> {
  const { ignore = [], existing = "refuse", onProgress, ...request } = parseUpload(options);
  checkPath(guestDir);
  const root = resolve(hostDir);
  const folder = await lookAt(root, ignore, request.signal);
  const commands = new Commands(connection, rpc);
  await runScript(commands, checkPlace(guestDir, existing), guestDir, request);
  const id = randomUUID();
  const archive = `/tmp/.emberbox-${id}.tar`;
  try {
    const stream = ReadableStream.from(pack(root, folder, onProgress));
    await writeFiles(connection, [{ path: archive, data: stream }], request);
    const script = unpackArchive(archive, guestDir, existing, id);
    await runScript(commands, script, guestDir, request);
  } catch (error) {
    const tidy = { user: request.user, requestTimeoutMs: TIDY_MS, timeoutMs: TIDY_MS };
    background(commands.run(`rm -f ${archive}`, tidy), () => {});
    throw error;
  }
  const files = folder.entries.filter(({ type }) => type === "file" || type === "hardlink").length;
  return { files, bytes: folder.bytes, skipped: folder.skipped };
}

async function lookAt(
  root: string,
  ignore: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Folder> {
  try {
    if ((await stat(root)).isDirectory()) return await scanFolder(root, ignoredBy(ignore), signal);
  } catch (cause) {
    if (EmberboxError.isInstance(cause) || signal?.aborted === true) throw cause;
    throw notReadable(cause);
  }
  throw notReadable(new Error(`${root} is not a directory`));
}
