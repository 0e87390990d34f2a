import type { BigIntStats } from "node:fs";
import { background, warning } from "@emberbox/core/background";
import { closeFd } from "../host/descriptors.ts";
import { find, type Found, statsOf } from "./at.ts";
import { isName, Refusal, ROOT } from "./protocol.ts";
import type { Place, Tree } from "./tree.ts";

/** An object that the guest's kernel knows, and where it was last seen. */
interface Node {
  readonly id: number;
  readonly ino: bigint;
  parent: number;
  name: string;
  /** How often the kernel was told of it, and has not forgotten it since. */
  lookups: number;
}

/** A node as it is kept while a sandbox is paused: id, number on the disk, parent, name, lookups. */
export type SavedNode = readonly [
  id: number,
  ino: string,
  parent: number,
  name: string,
  lookups: number,
];

/** Most objects that a mount's kernel may know at once. */
const MAX_NODES = 131_072;
/** Directories that are kept open. */
const MAX_OPEN = 128;
/** How deep directories may be in each other: where two of them were swapped, they may seem to be in each other. */
const MAX_DEPTH = 256;
/** How much of the names is kept of a sandbox that is saved; what is beyond has to be looked up again. */
const MAX_SAVED = 2 * 1024 * 1024;

interface OpenDirectory {
  readonly fd: Promise<number>;
  users: number;
}

/**
 * What the numbers mean that a guest's kernel knows objects by. The kernel may say any number: those that it was not
 * given stand for nothing.
 */
export class Nodes {
  readonly #tree: Tree;
  readonly #nodes = new Map<number, Node>();
  readonly #byIno = new Map<bigint, Node>();
  /** The least recently used first. */
  readonly #directories = new Map<number, OpenDirectory>();
  #next = ROOT + 1;

  constructor(tree: Tree, saved: readonly SavedNode[] = []) {
    this.#tree = tree;
    for (const [id, ino, parent, name, lookups] of saved) {
      this.#keep({ id, ino: BigInt(ino), parent, name, lookups });
      this.#next = Math.max(this.#next, id + 1);
    }
  }

  save(): SavedNode[] {
    const saved: SavedNode[] = [];
    let bytes = 0;
    for (const { id, ino, parent, name, lookups } of this.#nodes.values()) {
      bytes += name.length + 32;
      if (bytes > MAX_SAVED) break;
      saved.push([id, String(ino), parent, name, lookups]);
    }
    return saved;
  }

  /** Closes what is kept open, once nobody uses it. */
  async close(): Promise<void> {
    await Promise.all([...this.#directories.keys()].map((id) => this.#drop(id)));
  }

  /** The kernel is told of an object. */
  seen({ directory, name }: { directory: number; name: string }, stats: BigIntStats): number {
    if (stats.dev !== this.#tree.device) throw new Refusal("ENOTSUP");
    const known = this.#byIno.get(stats.ino);
    if (known !== undefined) {
      known.parent = directory;
      known.name = name;
      known.lookups++;
      return known.id;
    }
    if (this.#nodes.size >= MAX_NODES) throw new Refusal("ENFILE");
    const { ino } = stats;
    return this.#keep({ id: this.#next++, ino, parent: directory, name, lookups: 1 });
  }

  /** An object that the kernel may know was given another name. */
  moved({ directory, name }: { directory: number; name: string }, { ino }: BigIntStats): void {
    const known = this.#byIno.get(ino);
    if (known !== undefined) Object.assign(known, { parent: directory, name });
  }

  #keep(node: Node): number {
    this.#nodes.set(node.id, node);
    this.#byIno.set(node.ino, node);
    return node.id;
  }

  /** The kernel no longer knows what it was told of so many times. */
  forget(id: number, lookups: number): void {
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    node.lookups -= lookups;
    if (node.lookups > 0) return;
    this.#nodes.delete(id);
    if (this.#byIno.get(node.ino) === node) this.#byIno.delete(node.ino);
    background(this.#drop(id), warning("Closing a directory"));
  }

  /** An object has lost its last name: its number on the disk will be another's. */
  lost(ino: bigint): void {
    const node = this.#byIno.get(ino);
    if (node === undefined) return;
    this.#byIno.delete(ino);
    node.name = "";
    background(this.#drop(node.id), warning("Closing a directory"));
  }

  inoOf(id: number): bigint {
    return this.#known(id).ino;
  }

  #known(id: number): Node {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Refusal("ESTALE");
    return node;
  }

  /** The path of an entry of a directory, as it was when the kernel was last told of it. */
  pathOf(directory: number, name: string): string {
    let path = name;
    let id = directory;
    for (let depth = 0; id !== ROOT; depth++) {
      const node = this.#known(id);
      if (depth > MAX_DEPTH || !isName(node.name)) throw new Refusal("ESTALE");
      path = `${node.name}/${path}`;
      id = node.parent;
    }
    return path;
  }

  /** Does work with the directory that an object is in, which is open meanwhile. */
  inParent<T>(id: number, work: (place: Place) => Promise<T>, depth = 0): Promise<T> {
    const { parent, name } = this.#known(id);
    if (!isName(name)) throw new Refusal("ESTALE");
    return this.inDirectory(parent, (directory) => work({ directory, name }), depth);
  }

  /** Does work with an object as a place, which is open meanwhile. */
  async with<T>(id: number, work: (found: Found) => Promise<T>): Promise<T> {
    if (id === ROOT) return work({ fd: this.#tree.root, stats: await statsOf(this.#tree.root) });
    const found = await this.#find(id, 0);
    try {
      return await work(found);
    } finally {
      await closeFd(found.fd);
    }
  }

  async #find(id: number, depth: number): Promise<Found> {
    const { ino } = this.#known(id);
    const found = await this.inParent(id, ({ directory, name }) => find(directory, name), depth);
    if (found.stats.ino === ino && found.stats.dev === this.#tree.device) return found;
    await closeFd(found.fd);
    throw new Refusal("ESTALE");
  }

  /** Does work with a directory, which is open meanwhile. */
  async inDirectory<T>(id: number, work: (fd: number) => Promise<T>, depth = 0): Promise<T> {
    if (id === ROOT) return work(this.#tree.root);
    if (depth > MAX_DEPTH) throw new Refusal("ESTALE");
    const open = this.#directories.get(id) ?? { fd: this.#openDirectory(id, depth), users: 0 };
    // The last one now.
    this.#directories.delete(id);
    this.#directories.set(id, open);
    open.users++;
    try {
      return await work(await open.fd);
    } catch (error) {
      await open.fd.catch(() => this.#directories.get(id) === open && this.#directories.delete(id));
      throw error;
    } finally {
      open.users--;
      if (this.#directories.get(id) !== open) await closeUnused(open);
      else await this.#evict();
    }
  }

  async #openDirectory(id: number, depth: number): Promise<number> {
    const { fd, stats } = await this.#find(id, depth + 1);
    if (stats.isDirectory()) return fd;
    await closeFd(fd);
    throw new Refusal("ENOTDIR");
  }

  async #evict(): Promise<void> {
    if (this.#directories.size <= MAX_OPEN) return;
    for (const [id, { users }] of this.#directories) if (users === 0) return this.#drop(id);
  }

  async #drop(id: number): Promise<void> {
    const open = this.#directories.get(id);
    if (open === undefined) return;
    this.#directories.delete(id);
    await closeUnused(open);
  }
}

/** Whoever is the last to use it closes it. */
async function closeUnused({ fd, users }: OpenDirectory): Promise<void> {
  if (users > 0) return;
  const opened = await fd.catch(() => undefined);
  if (opened !== undefined) await closeFd(opened);
}
