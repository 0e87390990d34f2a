import { lstatSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import { native } from "../native.ts";
import type { User } from "./users.ts";

/**
 * Does something with a path, synchronously. A path that the caller names is reached with the agent's rights, as in
 * E2B's envd; but where it leads through a link, which anybody may have made, with the rights of the user that it is
 * done for.
 */
export function reaching<T>(path: string, user: User, work: () => T): T {
  return isLed(path, user) ? withRightsOf(user, work) : work();
}

/** Whether the existing part of the path leads through a link, and that matters for the user. */
export function isLed(path: string, user: User): boolean {
  if (user.uid === 0) return false;
  for (let at = path; ; at = dirname(at)) {
    const own = lstatSync(at, { throwIfNoEntry: false });
    if (own) return own.isSymbolicLink() || realpathSync.native(at) !== at;
    if (at === "/") return false;
  }
}

interface Calls {
  user(id: number): number;
  group(id: number): number;
}

let calls: Calls | undefined;
let isActing = false;

/** Gives this thread a user's rights to files while `work` runs; other threads are not affected. */
export function withRightsOf<T>({ uid, gid }: User, work: () => T): T {
  if (isActing) return work();
  const { user, group } = (calls ??= loadCalls());
  isActing = true;
  group(gid);
  user(uid);
  try {
    return work();
  } finally {
    user(0);
    group(0);
    isActing = false;
  }
}

function loadCalls(): Calls {
  const library = native().load(null);
  return {
    user: library.func("int setfsuid(unsigned int id)") as never,
    group: library.func("int setfsgid(unsigned int id)") as never,
  };
}
