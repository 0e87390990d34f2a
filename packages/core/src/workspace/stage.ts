import { createHash } from "node:crypto";
import { lutimesSync, symlinkSync } from "node:fs";
import { open } from "node:fs/promises";
import { EmberboxError } from "../errors.ts";
import type { Directory } from "./directory.ts";
import type { GuestEntry } from "./guest-answer.ts";
import { foundAt } from "./host-folder.ts";
import { bufferOf, textOf } from "./paths.ts";

/** Puts what is to be in the folder beside it. Returns what tells it from anything else. */
export async function stage(
  directory: Directory,
  name: string,
  { path, type, mode, mtimeMs, target, size, digest }: GuestEntry,
  content: AsyncIterable<Uint8Array>,
): Promise<string> {
  // A time to come would confuse programs that go by times.
  const time = Math.min(Math.max(mtimeMs, 0), Date.now()) / 1000;
  if (type === "symlink") {
    symlinkSync(bufferOf(target!), directory.at(name));
    lutimesSync(directory.at(name), time, time);
    return foundAt(directory, name)!.id;
  }
  const changed = (): EmberboxError =>
    new EmberboxError(
      "workspace_changed",
      `The sandbox changed ${JSON.stringify(textOf(path).slice(0, 500))} while it was read; nothing was written`,
      { details: { path: textOf(path) } },
    );
  const file = await open(directory.at(name), "wx", 0o600);
  try {
    const hash = createHash("sha256");
    let written = 0;
    for await (const piece of content) {
      written += piece.length;
      if (written > size) throw changed();
      hash.update(piece);
      await file.writeFile(piece);
    }
    if (written !== size || hash.digest("hex") !== digest) throw changed();
    await file.chmod(mode & 0o777);
    await file.utimes(time, time);
    await file.datasync();
  } finally {
    await file.close();
  }
  return foundAt(directory, name)!.id;
}
