import { execFile } from "node:child_process";
import {
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { promisify } from "node:util";
import type { AgentContext } from "../context.ts";
import { RpcError, type Json } from "./connect.ts";
import { entryInfo, type EntryInfo } from "./entry.ts";
import { fileError, resolvePath } from "./paths.ts";
import type { Service, UnaryMethod } from "./process-service.ts";
import { isLed, reaching, withRightsOf } from "./rights.ts";
import { ownerNames, requestUser, type User } from "./users.ts";
import { createWatchMethods } from "./watch-service.ts";

const maxEntries = 50_000;
/** Characters of everything that is listed at once. */
const maxListing = 32 * 1024 * 1024;
/** How many entries are looked at before other work gets a turn. Asynchronous calls cost more than they gain here. */
const entriesPerTurn = 256;

/** The methods of `filesystem.Filesystem`. */
export function createFilesystemService(context: AgentContext): Service {
  /** A method that works on the path in the request's field `name`. */
  const onPath =
    (work: (path: string, user: User, message: Json) => unknown, name = "path"): UnaryMethod =>
    async (message, request) => {
      const user = requestUser(request, context);
      const path = resolvePath(message[name], user);
      try {
        return await work(path, user, message);
      } catch (error) {
        throw fileError(error, path);
      }
    };

  const watching = createWatchMethods(context);
  return {
    streams: watching.streams,
    inputs: {},
    unary: {
      ...watching.unary,
      Stat: onPath((path, user) => ({ entry: reaching(path, user, () => entryInfo(path)) })),
      MakeDir: onPath((path, user) => {
        return reaching(path, user, () => {
          makeDirectory(path, user);
          return { entry: entryInfo(path) };
        });
      }),
      Move: onPath(async (source, user, message) => {
        demandPath(message["source"]);
        demandPath(message["destination"]);
        const destination = resolvePath(message["destination"], user);
        await move(source, destination, user);
        return { entry: reaching(destination, user, () => entryInfo(destination)) };
      }, "source"),
      ListDir: onPath(async (path, user, message) => ({
        entries: await list(path, depthOf(message), user),
      })),
      Remove: onPath(async (path, user, message) => {
        demandPath(message["path"]);
        if (path === "/")
          throw new RpcError("invalid_argument", "the root directory cannot be removed");
        if (isLed(dirname(path), user)) await removeAs(user, path);
        else await rm(path, everything);
        return {};
      }),
    },
  };
}

/** For requests in which a forgotten path must not mean the home directory. */
function demandPath(path: unknown): void {
  if (path === undefined || path === null || path === "")
    throw new RpcError("invalid_argument", "no path is given");
}

function makeDirectory(path: string, user: User): void {
  const existing = statSync(path, { throwIfNoEntry: false });
  if (existing?.isDirectory())
    throw new RpcError("already_exists", `directory already exists: ${path}`);
  if (existing !== undefined)
    throw new RpcError(
      "invalid_argument",
      `path already exists but it is not a directory: ${path}`,
    );
  makeDirectories(path, user);
}

/** Makes `path` and all its missing parents, owned by `user`. */
export function makeDirectories(path: string, user: User): void {
  try {
    reaching(path, user, () => {
      const first = mkdirSync(path, { recursive: true });
      if (first === undefined) return;
      for (let made = path; made.length >= first.length; made = dirname(made))
        chownSync(made, user.uid, user.gid);
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTDIR" && code !== "EEXIST") throw error;
    throw new RpcError(
      "invalid_argument",
      `path '${path}' leads through something that is not a directory`,
    );
  }
}

const everything = { recursive: true, force: true } as const;

/** Removes with a program: only whole threads have a user's rights, and everything else would wait for a large tree. */
async function removeAs(user: User, path: string): Promise<void> {
  const { uid, gid } = user;
  await promisify(execFile)("rm", ["-rf", "--", path], { uid, gid }).catch(() => {});
  // Says why something is left.
  withRightsOf(user, () => rmSync(path, everything));
}

async function move(source: string, destination: string, user: User): Promise<void> {
  const led = [source, destination].find((path) => isLed(dirname(path), user));
  const reach = <T>(work: () => T): T => (led ? withRightsOf(user, work) : work());
  reach(() => lstatSync(source));
  makeDirectories(dirname(destination), user);
  try {
    reach(() => renameSync(source, destination));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw fileError(error, destination);
    const { uid, gid } = user;
    await promisify(execFile)("mv", ["-T", "--", source, destination], led ? { uid, gid } : {});
  }
}

function depthOf(message: Json): number {
  const depth = message["depth"] ?? 0;
  if (typeof depth !== "number" || !Number.isInteger(depth) || depth < 0) {
    throw new RpcError("invalid_argument", "the depth is not a natural number");
  }
  return depth || 1;
}

/** Everything below a directory in lexical order, each directory before its contents; links are not followed. */
async function list(path: string, depth: number, user: User): Promise<EntryInfo[]> {
  const led = isLed(path, user);
  const reach = <T>(work: () => T): T => (led ? withRightsOf(user, work) : work());
  if (!reach(() => statSync(path)).isDirectory())
    throw new RpcError("invalid_argument", `path is not a directory: ${path}`);
  const entries: EntryInfo[] = [];
  let size = 0;
  const names = ownerNames();
  const waiting: { path: string; depth: number }[] = [];
  const enter = (directory: string, left: number): void => {
    for (const name of reach(() => readdirSync(directory))
      .toSorted()
      .toReversed())
      waiting.push({ path: join(directory, name), depth: left });
  };
  enter(path, depth);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (entries.length === maxEntries || size > maxListing) {
      throw new RpcError(
        "resource_exhausted",
        `more than ${entries.length} entries below ${path}: ask for less depth`,
      );
    }
    try {
      const { path: found } = next;
      const entry = reach(() => entryInfo(found, names));
      entries.push(entry);
      size += sizeOf(entry);
      if (next.depth > 1 && entry.permissions.startsWith("d")) enter(next.path, next.depth - 1);
    } catch (error) {
      // What vanishes between being listed and being looked at is left out.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    if (entries.length % entriesPerTurn === 0) await turn();
  }
  return entries;
}

function sizeOf({ path, symlinkTarget = "", metadata = {} }: EntryInfo): number {
  const texts = [path, symlinkTarget, ...Object.entries(metadata).flat()];
  return texts.reduce((sum, { length }) => sum + length, 0);
}
