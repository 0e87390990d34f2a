import { randomInt } from "node:crypto";
import { Refusal } from "./protocol.ts";
import type { OpenFile, Tree } from "./tree.ts";

/** Most files and listings of a mount that are open at once. */
const MAX_HANDLES = 512;
/** Most bytes of all listings that a mount has open. */
const MAX_LISTED = 32 * 1024 * 1024;
const ENTRY_BYTES = 64;

/** The names in a directory, as they were when it was begun to be read. */
export interface Listing {
  readonly names: readonly string[];
  readonly bytes: number;
}

type Handle =
  | { readonly kind: "file"; readonly node: number; readonly file: OpenFile }
  | { readonly kind: "directory"; readonly node: number; listing?: Listing };

/** What a mount has open. A handle belongs to one object, and is good for no other. */
export class Handles {
  readonly #tree: Tree;
  readonly #handles = new Map<number, Handle>();
  /** Not where another server of the mount began, before its sandbox was saved. */
  #next = randomInt(2 ** 47);
  #listed = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** @throws EMFILE */
  requireRoom(): void {
    if (this.#handles.size >= MAX_HANDLES) throw new Refusal("EMFILE");
  }

  async addFile(node: number, file: OpenFile, handle: number = this.#next++): Promise<number> {
    // Others may have taken the room meanwhile.
    if (this.#handles.size < MAX_HANDLES && !this.#handles.has(handle)) {
      this.#handles.set(handle, { kind: "file", node, file });
      return handle;
    }
    await this.#tree.closeFile(file);
    throw new Refusal("EMFILE");
  }

  addDirectory(node: number, handle: number = this.#next++): number {
    this.requireRoom();
    if (this.#handles.has(handle)) throw new Refusal("EBADF");
    this.#handles.set(handle, { kind: "directory", node });
    return handle;
  }

  file(handle: number, node: number): OpenFile | undefined {
    const open = this.#handles.get(handle);
    if (open === undefined) return undefined;
    if (open.kind !== "file" || open.node !== node) throw new Refusal("EBADF");
    return open.file;
  }

  /** Any file of an object that is open, whatever its name may be by now. */
  fileOf(node: number): OpenFile | undefined {
    for (const open of this.#handles.values())
      if (open.kind === "file" && open.node === node) return open.file;
    return undefined;
  }

  async listing(
    handle: number,
    node: number,
    isBegun: boolean,
    list: () => Promise<string[]>,
  ): Promise<Listing> {
    if (!this.#handles.has(handle)) this.addDirectory(node, handle);
    const open = this.#handles.get(handle)!;
    if (open.kind !== "directory" || open.node !== node) throw new Refusal("EBADF");
    if (isBegun && open.listing !== undefined) return open.listing;
    const names = await list();
    const bytes = names.reduce((sum, name) => sum + name.length + ENTRY_BYTES, 0);
    this.#listed -= open.listing?.bytes ?? 0;
    delete open.listing;
    if (this.#listed + bytes > MAX_LISTED) throw new Refusal("ENOMEM");
    // Whoever let it go meanwhile has no use for it.
    if (this.#handles.get(handle) !== open) return { names, bytes };
    this.#listed += bytes;
    return (open.listing = { names, bytes });
  }

  async release(handle: number, node: number): Promise<void> {
    const open = this.#handles.get(handle);
    if (open === undefined || open.node !== node) return;
    this.#handles.delete(handle);
    if (open.kind === "file") await this.#tree.closeFile(open.file);
    else this.#listed -= open.listing?.bytes ?? 0;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#handles].map(([handle, { node }]) => this.release(handle, node)));
  }
}
