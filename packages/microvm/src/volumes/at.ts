import { type BigIntStats, constants, fstat } from "node:fs";
import { promisify } from "node:util";
import { closeFd, openFd } from "../host/descriptors.ts";
import { Refusal } from "./protocol.ts";

/*
 * Objects are reached from the descriptor of the directory that they are in, by their name there: whatever others do to
 * the path meanwhile, it leads nowhere else. No link is followed. Names are latin1, one character for each byte.
 */

/** Opens nothing, so that neither a pipe nor a device is waited for; what it is can then be looked at. */
const O_PATH = 0o10000000;
const PLACE = O_PATH | constants.O_NOFOLLOW;

const fstatBig: (fd: number, options: { bigint: true }) => Promise<BigIntStats> = promisify(fstat);

export const statsOf = (fd: number): Promise<BigIntStats> => fstatBig(fd, { bigint: true });

/** The path of an entry of an open directory. */
export const at = (directory: number, name: string): Buffer =>
  Buffer.from(`/proc/self/fd/${directory}/${name}`, "latin1");

/** The path of what is open, wherever it is by now. Not for links, which a call might follow. */
export const itself = (fd: number): string => `/proc/self/fd/${fd}`;

export interface Found {
  readonly fd: number;
  readonly stats: BigIntStats;
}

/** Opens an entry as a place: its descriptor can be looked at and reached through, but not read. */
export async function find(directory: number, name: string): Promise<Found> {
  return checked(await openFd(at(directory, name), PLACE));
}

export const openRoot = (path: string): Promise<number> =>
  openFd(path, PLACE | constants.O_DIRECTORY);

async function checked(fd: number): Promise<Found> {
  try {
    return { fd, stats: await statsOf(fd) };
  } catch (error) {
    await closeFd(fd);
    throw error;
  }
}

/** Does work with an entry, which is open meanwhile. */
export async function withEntry<T>(
  directory: number,
  name: string,
  work: (found: Found) => Promise<T>,
): Promise<T> {
  const found = await find(directory, name);
  try {
    return await work(found);
  } finally {
    await closeFd(found.fd);
  }
}

/** Opens the regular file that a place stands for. Pipes and devices are never opened: that could wait for ever. */
export async function openFile({ fd, stats }: Found, flags: number): Promise<number> {
  if (stats.isDirectory()) throw new Refusal("EISDIR");
  if (!stats.isFile()) throw new Refusal("EPERM");
  return openFd(itself(fd), flags);
}
