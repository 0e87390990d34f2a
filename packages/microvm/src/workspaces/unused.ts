import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { BASELINE_NAME, IMAGE_NAME } from "./store.ts";

/** Who needs something began with it, or went on, less than that long ago; a sandbox that runs has its image open. */
const USED_MS = 24 * 60 * 60 * 1000;
const UNFINISHED = /^\.new-\d+-[0-9a-f]{16}$/;

/**
 * Images of folders, and what is known of them, that nothing needs: no saved sandbox, which would have links to them, and
 * no machine, which would have them among `open`. As long as any machine has an image, baselines stay.
 */
export async function unusedFolders(
  directory: string,
  open: ReadonlySet<string>,
  now: number = Date.now(),
): Promise<string[]> {
  const names = (await readdir(directory).catch(() => [])).toSorted();
  const isOpen = names.some((name) => open.has(join(directory, name)));
  const unused: string[] = [];
  for (const name of names) {
    const path = join(directory, name);
    const stats = await lstat(path).catch(() => undefined);
    if (stats === undefined || now - stats.mtimeMs < USED_MS) continue;
    const isImage = IMAGE_NAME.test(name) && stats.nlink === 1 && !open.has(path);
    const isBaseline = BASELINE_NAME.test(name) && stats.nlink === 1 && !isOpen;
    if (isImage || isBaseline || UNFINISHED.test(name)) unused.push(path);
  }
  return unused;
}
