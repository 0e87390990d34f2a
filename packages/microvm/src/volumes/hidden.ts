import { readdir } from "node:fs/promises";
import { itself, withEntry } from "./at.ts";
import type { Nodes } from "./nodes.ts";
import { Refusal } from "./protocol.ts";

/** Whether what has this path, relative and of one character for each byte, is not to be seen. */
export type Hides = (path: string, isDirectory: boolean) => boolean;

/** More than that is not looked through for what is hidden. */
const MAX_LOOKED_AT = 10_000;

/** What a mount does not show of a directory: it is neither found nor listed, and nothing takes such a name. */
export class Hidden {
  readonly #nodes: Nodes;
  readonly #hides: Hides | undefined;

  constructor(nodes: Nodes, hides: Hides | undefined) {
    this.#nodes = nodes;
    this.#hides = hides;
  }

  #isHidden(parent: number, name: string, isDirectory: boolean): boolean {
    if (this.#hides === undefined) return false;
    return this.#hides(this.#nodes.pathOf(parent, name), isDirectory);
  }

  /** What is there is asked for. */
  requireSeen(parent: number, name: string, isDirectory: boolean): void {
    if (this.#isHidden(parent, name, isDirectory)) throw new Refusal("ENOENT");
  }

  /** A name is to be given. */
  requireFree(parent: number, name: string, isDirectory: boolean): void {
    if (this.#isHidden(parent, name, isDirectory)) throw new Refusal("EACCES");
  }

  /** Something is to have another name, by which what is in it must not come to light. */
  async requireMovable(
    from: { readonly parent: number; readonly directory: number; readonly name: string },
    to: { readonly parent: number; readonly name: string },
  ): Promise<void> {
    if (this.#hides === undefined) return;
    await withEntry(from.directory, from.name, async ({ fd, stats }) => {
      const isDirectory = stats.isDirectory();
      this.requireSeen(from.parent, from.name, isDirectory);
      this.requireFree(to.parent, to.name, isDirectory);
      const room = { left: MAX_LOOKED_AT };
      // Whoever moves it copies what can be seen, as from another disk.
      if (isDirectory && (await this.#holds(fd, this.#nodes.pathOf(from.parent, from.name), room)))
        throw new Refusal("EXDEV");
    });
  }

  async #holds(fd: number, path: string, room: { left: number }): Promise<boolean> {
    for (const name of await readdir(itself(fd), { encoding: "latin1" })) {
      if (--room.left < 0) return true;
      const below = `${path}/${name}`;
      const isFound = await withEntry(fd, name, async (found) => {
        const isDirectory = found.stats.isDirectory();
        if (this.#hides!(below, isDirectory)) return true;
        return isDirectory && this.#holds(found.fd, below, room);
      });
      if (isFound) return true;
    }
    return false;
  }

  /** The names of a directory that are seen. */
  async seen(parent: number, directory: number, names: readonly string[]): Promise<string[]> {
    if (this.#hides === undefined) return [...names];
    const seen: string[] = [];
    for (const name of names) {
      const path = this.#nodes.pathOf(parent, name);
      const [asFile, asDirectory] = [this.#hides(path, false), this.#hides(path, true)];
      const isHidden =
        asFile === asDirectory
          ? asFile
          : await withEntry(directory, name, async ({ stats }) =>
              stats.isDirectory() ? asDirectory : asFile,
            ).catch(() => true);
      if (!isHidden) seen.push(name);
    }
    return seen;
  }
}
