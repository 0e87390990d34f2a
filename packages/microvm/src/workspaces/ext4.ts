/*
 * What an ext4 file system consists of, as the kernel's documentation describes it: as much as a read-only one needs,
 * whose files are each in one piece. Everything is little-endian.
 */

export const BLOCK = 4096;
export const INODE_BYTES = 256;
export const ROOT_INODE = 2;
/** The first that is not the file system's own. */
export const FIRST_INODE = 11;
export const BLOCKS_PER_GROUP: number = 8 * BLOCK;
export const INODES_PER_BLOCK: number = BLOCK / INODE_BYTES;
/** Of a table of groups. */
export const GROUPS_PER_BLOCK: number = BLOCK / 32;

export const blocksOf = (bytes: number): number => Math.ceil(bytes / BLOCK);

/** Blocks that follow each other. */
export interface Run {
  readonly first: number;
  readonly count: number;
}

const EXTENT_MAGIC = 0xf30a;
/** Most blocks of one extent, and extents in an inode and in a block of their own. */
const EXTENT_BLOCKS = 32_768;
const IN_INODE = 4;
const IN_BLOCK = 340;
/** More than this is not written in one piece: 4 blocks of extents, 170 GiB. */
const MAX_EXTENTS = IN_INODE * IN_BLOCK;

function extentHeader(target: Buffer, entries: number, most: number, depth: number): void {
  target.writeUInt16LE(EXTENT_MAGIC, 0);
  target.writeUInt16LE(entries, 2);
  target.writeUInt16LE(most, 4);
  target.writeUInt16LE(depth, 6);
}

/** How many blocks of extents a run needs besides the inode. */
export function extentBlocks({ count }: Run): number {
  const extents = Math.ceil(count / EXTENT_BLOCKS);
  if (extents > MAX_EXTENTS) throw new Error("a file is too large for an image");
  return extents <= IN_INODE ? 0 : Math.ceil(extents / IN_BLOCK);
}

/** Writes where a file is, into its inode and into `leaves`, which begin at block `firstLeaf`. */
export function putExtents(inode: Buffer, run: Run, leaves: Buffer, firstLeaf: number): void {
  const extents = Math.ceil(run.count / EXTENT_BLOCKS);
  const put = (target: Buffer, at: number, index: number): void => {
    const from = index * EXTENT_BLOCKS;
    target.writeUInt32LE(from, at);
    target.writeUInt16LE(Math.min(EXTENT_BLOCKS, run.count - from), at + 4);
    target.writeUInt32LE(run.first + from, at + 8);
  };
  const tree = inode.subarray(0x28, 0x28 + 60);
  const blocks = leaves.length / BLOCK;
  if (blocks === 0) {
    extentHeader(tree, extents, IN_INODE, 0);
    for (let index = 0; index < extents; index++) put(tree, 12 + index * 12, index);
    return;
  }
  extentHeader(tree, blocks, IN_INODE, 1);
  for (let block = 0; block < blocks; block++) {
    const begin = block * IN_BLOCK;
    tree.writeUInt32LE(begin * EXTENT_BLOCKS, 12 + block * 12);
    tree.writeUInt32LE(firstLeaf + block, 16 + block * 12);
    const leaf = leaves.subarray(block * BLOCK, (block + 1) * BLOCK);
    const count = Math.min(IN_BLOCK, extents - begin);
    extentHeader(leaf, count, IN_BLOCK, 0);
    for (let index = 0; index < count; index++) put(leaf, 12 + index * 12, begin + index);
  }
}

/** Kinds of inodes, in their modes, and as directories name them. */
export const kinds = {
  file: { mode: 0o100000, inDirectory: 1 },
  directory: { mode: 0o040000, inDirectory: 2 },
  symlink: { mode: 0o120000, inDirectory: 7 },
} as const;
export type Kind = keyof typeof kinds;

export interface InodeFacts {
  readonly kind: Kind;
  readonly mode: number;
  readonly owner: number;
  readonly size: number;
  readonly links: number;
  readonly mtimeNs: bigint;
  /** All that it takes, with blocks of extents. */
  readonly blocks: number;
}

const USES_EXTENTS = 0x80000;
/** A directory with more than the kernel counts has one. */
const MAX_LINKS = 65_000;
const EXTRA_BYTES = 32;
const BILLION = 1_000_000_000n;

/** All but where its data is. */
export function putInode(target: Buffer, facts: InodeFacts): void {
  const { kind, mode, owner, size, links, mtimeNs, blocks } = facts;
  target.writeUInt16LE(kinds[kind].mode | mode, 0);
  target.writeUInt16LE(owner, 2);
  target.writeUInt32LE(size % 2 ** 32, 4);
  target.writeUInt16LE(owner, 0x18);
  target.writeUInt16LE(kind === "directory" && links > MAX_LINKS ? 1 : links, 0x1a);
  target.writeUInt32LE(blocks * (BLOCK / 512), 0x1c);
  target.writeUInt32LE(Math.floor(size / 2 ** 32), 0x6c);
  target.writeUInt16LE(EXTRA_BYTES, 0x80);
  const rest = ((mtimeNs % BILLION) + BILLION) % BILLION;
  const seconds = (mtimeNs - rest) / BILLION;
  const low = BigInt.asIntN(32, seconds);
  const extra = (Number(rest) * 4 + Number(((seconds - low) >> 32n) & 3n)) >>> 0;
  // Of access, of the inode's change, of the data's change, and of the beginning.
  for (const [at, more] of [
    [0x08, 0x8c],
    [0x0c, 0x84],
    [0x10, 0x88],
    [0x90, 0x94],
  ] as const) {
    target.writeInt32LE(Number(low), at);
    target.writeUInt32LE(extra, more);
  }
}

export const usesExtents = (inode: Buffer): void => void inode.writeUInt32LE(USES_EXTENTS, 0x20);

/** A link's text is in its inode if it is shorter than that. */
export const SHORT_TARGET = 60;

export interface DirectoryEntry {
  readonly inode: number;
  readonly kind: Kind;
  /** As latin1, one character for each byte. */
  readonly name: string;
}

/** The blocks of a directory. */
export function directoryBlocks(entries: readonly DirectoryEntry[]): Buffer {
  const blocks: Buffer[] = [];
  let block = Buffer.alloc(BLOCK);
  let [at, last] = [0, 0];
  for (const { inode, kind, name } of entries) {
    const length = Math.ceil((8 + name.length) / 4) * 4;
    if (at + length > BLOCK) {
      block.writeUInt16LE(BLOCK - last, last + 4);
      blocks.push(block);
      block = Buffer.alloc(BLOCK);
      at = 0;
    }
    block.writeUInt32LE(inode, at);
    block.writeUInt16LE(length, at + 4);
    block.writeUInt8(name.length, at + 6);
    block.writeUInt8(kinds[kind].inDirectory, at + 7);
    block.write(name, at + 8, "latin1");
    last = at;
    at += length;
  }
  block.writeUInt16LE(BLOCK - last, last + 4);
  return Buffer.concat([...blocks, block]);
}

/** A group of blocks, and where what the file system knows of it is. */
export interface Group {
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
  readonly freeBlocks: number;
  readonly freeInodes: number;
  readonly directories: number;
}

export function groupTable(groups: readonly Group[]): Buffer {
  const table = Buffer.alloc(blocksOf(groups.length * 32) * BLOCK);
  groups.forEach((group, index) => {
    const at = index * 32;
    table.writeUInt32LE(group.blockBitmap, at);
    table.writeUInt32LE(group.inodeBitmap, at + 4);
    table.writeUInt32LE(group.inodeTable, at + 8);
    table.writeUInt16LE(group.freeBlocks, at + 12);
    table.writeUInt16LE(group.freeInodes, at + 14);
    table.writeUInt16LE(group.directories, at + 16);
  });
  return table;
}

export interface Totals {
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly inodesPerGroup: number;
  readonly groups: number;
  readonly freeInodes: number;
  /** 16 bytes that tell this file system from others. */
  readonly id: Buffer;
}

const features = {
  /** Copies of the superblock are where it says: nowhere. */
  compatible: 0x200,
  /** Kinds in directories, extents, and what a group has being anywhere. */
  incompatible: 0x2 | 0x40 | 0x200,
  /** Large files, many links, times to the nanosecond. */
  readOnly: 0x2 | 0x20 | 0x40,
};

/** The first block. */
export function superblock(totals: Totals): Buffer {
  const block = Buffer.alloc(BLOCK);
  const it = block.subarray(1024, 2048);
  it.writeUInt32LE(totals.inodesPerGroup * totals.groups, 0);
  it.writeUInt32LE(totals.blocks, 4);
  it.writeUInt32LE(totals.freeBlocks, 0x0c);
  it.writeUInt32LE(totals.freeInodes, 0x10);
  it.writeUInt32LE(2, 0x18); // blocks of 1024 << 2 bytes
  it.writeUInt32LE(2, 0x1c);
  it.writeUInt32LE(BLOCKS_PER_GROUP, 0x20);
  it.writeUInt32LE(BLOCKS_PER_GROUP, 0x24);
  it.writeUInt32LE(totals.inodesPerGroup, 0x28);
  it.writeUInt16LE(0xffff, 0x36); // mounted as often as one likes
  it.writeUInt16LE(0xef53, 0x38);
  it.writeUInt16LE(1, 0x3a); // clean
  it.writeUInt16LE(1, 0x3c);
  it.writeUInt32LE(1, 0x4c); // the revision with what follows
  it.writeUInt32LE(FIRST_INODE, 0x54);
  it.writeUInt16LE(INODE_BYTES, 0x58);
  it.writeUInt32LE(features.compatible, 0x5c);
  it.writeUInt32LE(features.incompatible, 0x60);
  it.writeUInt32LE(features.readOnly, 0x64);
  totals.id.copy(it, 0x68, 0, 16);
  it.writeUInt16LE(EXTRA_BYTES, 0x15c);
  it.writeUInt16LE(EXTRA_BYTES, 0x15e);
  it.writeUInt8(4, 0x174);
  return block;
}

/** Where the superblock has its 16 bytes, in the file. */
export const ID_OFFSET: number = 1024 + 0x68;
