import { statSync } from "node:fs";
import { resolve } from "node:path";
import { RpcError } from "./connect.ts";
import type { User } from "./users.ts";

/** The kernel's limit, which counts a terminating NUL. */
const maxPathBytes = 4095;

/** The absolute path that a request means: `~`, relative and empty paths start at the user's home. */
export function resolvePath(path: unknown, user: User): string {
  if (path === undefined || path === null || path === "") return user.home;
  if (typeof path !== "string") throw new RpcError("invalid_argument", "the path is not a string");
  if (path.includes("\0"))
    throw new RpcError("invalid_argument", "the path contains a NUL character");
  if (Buffer.byteLength(path) > maxPathBytes) {
    throw new RpcError("invalid_argument", `the path is longer than ${maxPathBytes} bytes`);
  }
  if (path === "~") return user.home;
  if (path.startsWith("~/")) return resolve(user.home, path.slice(2));
  if (path.startsWith("~"))
    throw new RpcError(
      "invalid_argument",
      `cannot expand the home directory of another user: '${path}'`,
    );
  return resolve(user.home, path);
}

/** The protocol's error for a failed system call on `path`. */
export function fileError(error: unknown, path: string): RpcError {
  if (error instanceof RpcError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return new RpcError("not_found", `path '${path}' does not exist`);
    case "EEXIST":
    case "ENOTEMPTY":
      return new RpcError("already_exists", `path '${path}' already exists`);
    case "EISDIR":
      return new RpcError("invalid_argument", `path '${path}' is a directory`);
    case "ENAMETOOLONG":
    case "ELOOP":
    case "EINVAL":
    case "ENXIO":
    // The program behind a mount is gone.
    case "ENOTCONN":
    case "ECONNABORTED":
      return new RpcError("invalid_argument", `path '${path}' is not usable: ${message}`);
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new RpcError("permission_denied", `path '${path}': ${message}`);
    case "ENOSPC":
    case "EDQUOT":
      return new RpcError("resource_exhausted", `not enough disk space available: ${message}`);
    default:
      return new RpcError("internal", message ?? String(error));
  }
}

/** Whether something can start in a directory; what cannot be reached is none. */
export function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
