import { mkdir, mkdtemp } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Commands } from "../../commands/commands.ts";
import { ignoredBy } from "./ignored.ts";
import type { SandboxConnection } from "../../provider.ts";
import type { Rpc } from "../../wire/rpc.ts";
import { checkPath } from "../path.ts";
import { packFolder } from "./guest.ts";
import { checkPlace, hostError, moveIn } from "./host-place.ts";
import { type DownloadDirOptions, parseDownload, type FolderCopy } from "./options.ts";
import { Receiver } from "./receive.ts";
import { transfer } from "./transfer.ts";

const MAX_BYTES = 4 * 1024 ** 3;
const MAX_ENTRIES = 200_000;
/** Receives a folder as one archive, beside its place, where it is moved once it is complete. */
export async function downloadDir(
  connection: SandboxConnection,
  rpc: Rpc,
  guestDir: string,
  hostDir: string,
  options: DownloadDirOptions | undefined,
): Promise<FolderCopy> {
  const {
    ignore = [],
    existing = "refuse",
    onProgress,
    maxBytes = MAX_BYTES,
    maxEntries = MAX_ENTRIES,
    skipUnsafe = false,
    ...request
  } = parseDownload(options);
  checkPath(guestDir);
  const isIgnored = ignoredBy(ignore);
  const place = resolve(hostDir);
  try {
    await checkPlace(place, existing);
    await mkdir(dirname(place), { recursive: true });
    const beside = await mkdtemp(join(dirname(place), `.${basename(place).slice(0, 60)}.`));
    const receiver = new Receiver(beside, {
      maxBytes,
      maxEntries,
      skipUnsafe,
      isIgnored,
      onProgress,
    });
    try {
      const script = (mark: string): string =>
        packFolder(guestDir, mark, excludes(ignore), ignore.length > 0);
      const commands = new Commands(connection, rpc);
      const copy = await transfer(commands, script, guestDir, request, receiver);
      await moveIn(beside, place, existing);
      return copy;
    } catch (error) {
      await receiver.discard();
      throw error;
    }
  } catch (error) {
    throw hostError(error, place);
  }
}

/** Plain names, which the sandbox need not even send. Any pattern may be taken back by a later one with `!`. */
function excludes(ignore: readonly string[]): string[] {
  if (ignore.some((pattern) => pattern.startsWith("!"))) return [];
  return ignore.filter((pattern) => /^[\w.@-]*\w[\w.@-]*$/.test(pattern));
}
