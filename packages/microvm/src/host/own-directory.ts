import { accessSync, constants, lstatSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { userInfo } from "node:os";
import { dirname, parse, resolve, sep } from "node:path";
import { EmberboxError } from "@emberbox/core";

const MAX_LINKS = 40;
const POINT_ELSEWHERE = "Point EMBERBOX_HOME at a directory of your own.";

/**
 * Makes sure that nobody but this user and root can replace what is, or will be, at `path`: whoever could do that would
 * have us read, write and remove files of ours that he chooses. Synchronous: it is done once, before anything else.
 * @throws `invalid_argument` that names the directory, and why
 */
export function requireOwnDirectory(path: string): void {
  look(resolve(path), path, 0);
}

/** @throws `invalid_argument` where neither the directory nor, if there is none yet, the one above can be written */
export function requireWritable(path: string): void {
  let there = resolve(path);
  while (lstatSync(there, { throwIfNoEntry: false }) === undefined) there = dirname(there);
  try {
    accessSync(there, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "EROFS" ? "is on a read-only file system" : `cannot be written (${code})`;
    throw new EmberboxError(
      "invalid_argument",
      `${path} is needed for sandboxes: ${there} ${why}`,
      {
        hint: POINT_ELSEWHERE,
      },
    );
  }
}

function look(path: string, asked: string, links: number): void {
  const { root } = parse(path);
  let at = root;
  const names = path.slice(root.length).split(sep).filter(Boolean);
  for (const [index, name] of ["", ...names].entries()) {
    at = resolve(at, name);
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (stats === undefined) return; // We will make it, in a directory that was checked.
    const isLast = index === names.length;
    if (stats.isSymbolicLink()) {
      if (!isOurs(stats)) refuse(asked, `${at} is a link of another user's`);
      if (links === MAX_LINKS) refuse(asked, "there is a loop of links");
      const rest = names.slice(index).join(sep);
      return look(resolve(dirname(at), readlinkSync(at), rest), asked, links + 1);
    }
    if (!stats.isDirectory()) refuse(asked, `${at} is not a directory`);
    if (!isOurs(stats)) refuse(asked, `${at} belongs to another user (${stats.uid})`);
    if (isOpenToOthers(stats, isLast))
      refuse(asked, `others may write to ${at}`, `chmod go-w ${at}`);
  }
}

const isOurs = ({ uid }: Stats): boolean => uid === rootId() || uid === process.getuid?.();

/** Where root is not mapped, as in some containers, root's files are shown as nobody's. */
function rootId(): number {
  const ranges = readFileSync("/proc/self/uid_map", "utf8").trim().split("\n");
  return ranges.some((range) => Number(range.trim().split(/\s+/)[0]) === 0) ? 0 : 65_534;
}

const STICKY = 0o1000;

/**
 * In a sticky directory such as /tmp, others may add files but not touch ours. That is not enough for our own
 * directory.
 */
function isOpenToOthers({ mode, gid }: Stats, isLast: boolean): boolean {
  if ((mode & 0o022) === 0 || (!isLast && (mode & STICKY) !== 0)) return false;
  return (mode & 0o002) !== 0 || !isPrivateGroup(gid);
}

/** Many systems give each user a group of his own, and let it write. */
function isPrivateGroup(gid: number): boolean {
  const username = ownName();
  return readFileSync("/etc/group", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .some(
      ([name, , id, members]) =>
        id === String(gid) && name === username && (members === "" || members === username),
    );
}

/** An account without a name, as in some containers, has no group of its own either. */
function ownName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

function refuse(asked: string, why: string, mend?: string): never {
  throw new EmberboxError(
    "invalid_argument",
    `${asked} is not a safe place for sandboxes: ${why}`,
    {
      hint: mend ? `Run \`${mend}\`, or point elsewhere with EMBERBOX_HOME.` : POINT_ELSEWHERE,
    },
  );
}
