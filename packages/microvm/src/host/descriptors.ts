import { close, fchmod, fchown, fstat, ftruncate, open } from "node:fs";
import { promisify } from "node:util";

/*
 * Files by number, which other processes can be handed. Node closes the file of a `FileHandle` that nothing refers to
 * any more; these stay open until they are closed.
 */

export const openFd: typeof open.__promisify__ = promisify(open);
export const closeFd: typeof close.__promisify__ = promisify(close);
export const statFd: typeof fstat.__promisify__ = promisify(fstat);
export const truncateFd: typeof ftruncate.__promisify__ = promisify(ftruncate);
export const chmodFd: typeof fchmod.__promisify__ = promisify(fchmod);
export const chownFd: typeof fchown.__promisify__ = promisify(fchown);

/** All that are being opened, or none: if one cannot be opened, the others are closed. */
export async function allOpened(opening: readonly Promise<number>[]): Promise<number[]> {
  const results = await Promise.allSettled(opening);
  const failed = results.find((result) => result.status === "rejected");
  const opened = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  if (failed === undefined) return opened;
  await Promise.all(opened.map((fd) => closeFd(fd)));
  throw failed.reason;
}
