import { ftruncateSync, writeSync } from "node:fs";
import { Blocks } from "./blocks.ts";
import {
  BLOCK,
  BLOCKS_PER_GROUP,
  blocksOf,
  directoryBlocks,
  type DirectoryEntry,
  extentBlocks,
  FIRST_INODE,
  type Group,
  GROUPS_PER_BLOCK,
  groupTable,
  INODE_BYTES,
  INODES_PER_BLOCK,
  type Kind,
  putExtents,
  putInode,
  ROOT_INODE,
  type Run,
  SHORT_TARGET,
  superblock,
  usesExtents,
} from "./ext4.ts";

/** Blocks that are kept free for the table of groups, whose size is known last: enough for 1 TiB. */
const TABLE_BLOCKS = 64;
const MAX_GROUPS = TABLE_BLOCKS * GROUPS_PER_BLOCK;
/** Everything in a folder is the sandbox's `user`'s. */
const OWNER = 1000;

/** What becomes an inode. */
export interface Node {
  readonly inode: number;
  readonly kind: Kind;
  readonly mode: number;
  readonly owner: number;
  readonly mtimeNs: bigint;
  size: number;
  links: number;
  run?: Run | undefined;
  readonly target?: string | undefined;
  /** What is in a directory. */
  readonly entries: DirectoryEntry[];
  readonly parent: number;
}

/** Writes a file system to an open, empty file: files first, in the order in which they come, what names them last. */
export class FileSystem implements Disposable {
  readonly #file: number;
  readonly blocks: Blocks;
  readonly #nodes: Node[] = [];
  readonly root: Node;

  constructor(file: number) {
    this.#file = file;
    this.blocks = new Blocks(file, 1 + TABLE_BLOCKS);
    this.root = this.#node(ROOT_INODE, "directory", ROOT_INODE, {
      mode: 0o755,
      mtimeNs: 0n,
      owner: 0,
    });
    // Checkers miss it.
    this.#enter(
      this.root,
      "lost+found",
      this.#node(FIRST_INODE, "directory", ROOT_INODE, { mode: 0o700, mtimeNs: 0n, owner: 0 }),
    );
  }

  /** Adds something to a directory. */
  add(
    directory: Node,
    name: string,
    kind: Kind,
    facts: { readonly mode: number; readonly mtimeNs: bigint; readonly target?: string },
  ): Node {
    const inode = FIRST_INODE + this.#nodes.length - 1;
    const node = this.#node(inode, kind, directory.inode, { ...facts, owner: OWNER });
    this.#enter(directory, name, node);
    return node;
  }

  /** Gives a file another name. */
  link(directory: Node, name: string, node: Node): void {
    node.links++;
    directory.entries.push({ inode: node.inode, kind: node.kind, name });
  }

  #node(
    inode: number,
    kind: Kind,
    parent: number,
    facts: Pick<Node, "mode" | "mtimeNs" | "owner"> & { readonly target?: string },
  ): Node {
    const links = kind === "directory" ? 2 : 1;
    const node: Node = { inode, kind, parent, ...facts, size: 0, links, entries: [] };
    this.#nodes.push(node);
    return node;
  }

  #enter(directory: Node, name: string, node: Node): void {
    if (node.kind === "directory") directory.links++;
    directory.entries.push({ inode: node.inode, kind: node.kind, name });
  }

  /** Writes all that is not there yet. `id` has 16 bytes. */
  finish(id: Buffer): void {
    for (const node of this.#nodes) this.#writeOwn(node);
    const leaves = this.#nodes.map(({ run }) =>
      run && extentBlocks(run) > 0 ? this.#writeLeaves(run) : undefined,
    );
    const layout = layoutOf(this.blocks.next, FIRST_INODE + this.#nodes.length - 2);
    this.blocks.append(this.#inodeTable(layout, leaves));
    const groups = this.#groups(layout);
    for (const bitmap of [...layout.blockBitmaps(), ...layout.inodeBitmaps()])
      this.blocks.append(bitmap);
    this.blocks.flush();
    ftruncateSync(this.#file, layout.blocks * BLOCK);
    const table = groupTable(groups);
    const head = superblock({
      id,
      blocks: layout.blocks,
      freeBlocks: sum(groups.map(({ freeBlocks }) => freeBlocks)),
      freeInodes: sum(groups.map(({ freeInodes }) => freeInodes)),
      inodesPerGroup: layout.inodesPerGroup,
      groups: groups.length,
    });
    writeSync(this.#file, table, 0, table.length, BLOCK);
    writeSync(this.#file, head, 0, BLOCK, 0);
  }

  [Symbol.dispose](): void {
    this.blocks[Symbol.dispose]();
  }

  /** What a directory has, or a link says. */
  #writeOwn(node: Node): void {
    if (node.kind === "directory") {
      const { inode, parent, entries } = node;
      const data = directoryBlocks([
        { inode, kind: "directory", name: "." },
        { inode: parent, kind: "directory", name: ".." },
        ...entries,
      ]);
      node.run = this.blocks.append(data);
      node.size = data.length;
    } else if (node.target !== undefined) {
      node.size = node.target.length;
      if (node.size >= SHORT_TARGET)
        node.run = this.blocks.append(Buffer.from(node.target, "latin1"));
    }
  }

  #writeLeaves(run: Run): { readonly first: number; readonly bytes: Buffer } {
    const bytes = Buffer.alloc(extentBlocks(run) * BLOCK);
    const first = this.blocks.next;
    putExtents(Buffer.alloc(INODE_BYTES), run, bytes, first);
    this.blocks.append(bytes);
    return { first, bytes };
  }

  #inodeTable(
    { groups, inodesPerGroup }: Layout,
    leaves: readonly ({ readonly first: number; readonly bytes: Buffer } | undefined)[],
  ): Buffer {
    const table = Buffer.alloc(groups * inodesPerGroup * INODE_BYTES);
    this.#nodes.forEach((node, index) => {
      const { run = { first: 0, count: 0 }, target } = node;
      const at = (node.inode - 1) * INODE_BYTES;
      const inode = table.subarray(at, at + INODE_BYTES);
      const leaf = leaves[index];
      putInode(inode, { ...node, blocks: run.count + (leaf ? leaf.bytes.length / BLOCK : 0) });
      if (target !== undefined && target.length < SHORT_TARGET)
        return void inode.write(target, 0x28, "latin1");
      usesExtents(inode);
      putExtents(inode, run, leaf?.bytes ?? Buffer.alloc(0), leaf?.first ?? 0);
    });
    return table;
  }

  #groups({ groups, inodesPerGroup, firstTable, end, blocks }: Layout): Group[] {
    const firstBitmap = firstTable + (groups * inodesPerGroup) / INODES_PER_BLOCK;
    const directories = new Map<number, number>();
    for (const { kind, inode } of this.#nodes) {
      const group = Math.floor((inode - 1) / inodesPerGroup);
      if (kind === "directory") directories.set(group, (directories.get(group) ?? 0) + 1);
    }
    const last = FIRST_INODE + this.#nodes.length - 2;
    return Array.from({ length: groups }, (_, index) => {
      const begin = index * BLOCKS_PER_GROUP;
      const past = Math.min(blocks, begin + BLOCKS_PER_GROUP);
      const unusedTable = index === 0 ? TABLE_BLOCKS - blocksOf(groups * 32) : 0;
      const usedInodes = Math.min(inodesPerGroup, Math.max(0, last - index * inodesPerGroup));
      return {
        blockBitmap: firstBitmap + index,
        inodeBitmap: firstBitmap + groups + index,
        inodeTable: firstTable + (index * inodesPerGroup) / INODES_PER_BLOCK,
        freeBlocks: Math.max(0, past - Math.max(begin, end)) + unusedTable,
        freeInodes: inodesPerGroup - usedInodes,
        directories: directories.get(index) ?? 0,
      };
    });
  }
}

interface Layout {
  readonly groups: number;
  readonly inodesPerGroup: number;
  readonly firstTable: number;
  /** The first block that is not used, and how many there are. */
  readonly end: number;
  readonly blocks: number;
  blockBitmaps(): Buffer[];
  inodeBitmaps(): Buffer[];
}

const MAX_INODES_PER_GROUP = 8 * BLOCK;
/** A last group has to have some blocks. */
const FEW_BLOCKS = 64;

/** What comes behind the data, which determines how many groups there are, which determine what comes behind the data. */
function layoutOf(firstTable: number, lastInode: number): Layout {
  let groups = Math.ceil(Math.max(firstTable / BLOCKS_PER_GROUP, lastInode / MAX_INODES_PER_GROUP));
  for (;;) {
    const inodesPerGroup = Math.ceil(lastInode / groups / INODES_PER_BLOCK) * INODES_PER_BLOCK;
    const end = firstTable + groups * (inodesPerGroup / INODES_PER_BLOCK + 2);
    const blocks = Math.max(end, (groups - 1) * BLOCKS_PER_GROUP + FEW_BLOCKS);
    const needed = Math.ceil(blocks / BLOCKS_PER_GROUP);
    if (needed > MAX_GROUPS) throw new Error("the folder is too large for an image");
    if (needed > groups) {
      groups = needed;
      continue;
    }
    const tableEnd = 1 + blocksOf(groups * 32);
    const bitmaps = (isUsed: (index: number) => readonly Run[], most: number): Buffer[] =>
      Array.from({ length: groups }, (_, index) => {
        const bitmap = Buffer.alloc(BLOCK);
        for (const { first, count } of isUsed(index)) setBits(bitmap, first, count);
        const has = Math.min(most, 8 * BLOCK);
        setBits(bitmap, has, 8 * BLOCK - has);
        return bitmap;
      });
    return {
      ...{ groups, inodesPerGroup, firstTable, end, blocks },
      blockBitmaps: () =>
        bitmaps((index) => {
          const begin = index * BLOCKS_PER_GROUP;
          const used = [
            within({ first: 0, count: tableEnd }, begin),
            within({ first: 1 + TABLE_BLOCKS, count: end - 1 - TABLE_BLOCKS }, begin),
            // Beyond the end there is nothing to use.
            within({ first: blocks, count: groups * BLOCKS_PER_GROUP - blocks }, begin),
          ];
          return used;
        }, BLOCKS_PER_GROUP),
      inodeBitmaps: () =>
        bitmaps((index) => {
          const count = lastInode - index * inodesPerGroup;
          return [{ first: 0, count: Math.min(inodesPerGroup, Math.max(0, count)) }];
        }, inodesPerGroup),
    };
  }
}

/** The part of a run that is in the group that begins at a block, counted from there. */
function within({ first, count }: Run, begin: number): Run {
  const from = Math.max(first, begin);
  const to = Math.min(first + count, begin + BLOCKS_PER_GROUP);
  return { first: from - begin, count: Math.max(0, to - from) };
}

function setBits(bitmap: Buffer, first: number, count: number): void {
  for (let bit = first; bit < first + count;) {
    if (bit % 8 === 0 && first + count - bit >= 8) {
      const bytes = Math.floor((first + count - bit) / 8);
      bitmap.fill(0xff, bit / 8, bit / 8 + bytes);
      bit += bytes * 8;
    } else {
      bitmap[bit >> 3]! |= 1 << (bit & 7);
      bit++;
    }
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
