import type { IncomingMessage } from "node:http";
import { RpcError } from "./connect.ts";
import { HttpError } from "./http-error.ts";
import { native } from "../native.ts";

/** A file's user-defined metadata is kept in extended attributes with this prefix, as E2B does. */
const attributePrefix = "user.e2b.";
const headerPrefix = "x-metadata-";
/** The kernel's limit for one attribute, and for the names of all of them. */
const maxBytes = 65_536;

interface Calls {
  list(path: string, names: Buffer, size: number): number;
  get(path: string, name: string, value: Buffer, size: number): number;
  set(fd: number, name: string, value: Buffer, size: number, flags: number): number;
  listOpen(fd: number, names: Buffer, size: number): number;
  remove(fd: number, name: string): number;
}

let calls: Calls | undefined;
const names = Buffer.alloc(maxBytes);
const value = Buffer.alloc(maxBytes);

function loadCalls(): Calls {
  const library = native().load(null);
  const declare = (declaration: string): never => library.func(declaration) as never;
  return {
    list: declare("int64_t listxattr(const char *path, void *names, size_t size)"),
    get: declare("int64_t getxattr(const char *path, const char *name, void *value, size_t size)"),
    set: declare(
      "int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)",
    ),
    listOpen: declare("int64_t flistxattr(int fd, void *names, size_t size)"),
    remove: declare("int fremovexattr(int fd, const char *name)"),
  };
}

export type Metadata = Readonly<Record<string, string>>;

/** The metadata of what is at `path`, if there is any. */
export function readMetadata(path: string): Metadata | undefined {
  calls ??= loadCalls();
  const length = calls.list(path, names, maxBytes);
  if (length <= 0) return undefined;
  const found: [string, string][] = [];
  for (const name of ownNames(length)) {
    const size = calls.get(path, name, value, maxBytes);
    if (size >= 0)
      found.push([name.slice(attributePrefix.length), value.toString("utf8", 0, size)]);
  }
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** Gives an open file exactly this metadata. */
export function replaceMetadata(fd: number, metadata: Metadata | undefined): void {
  calls ??= loadCalls();
  for (const name of ownNames(calls.listOpen(fd, names, maxBytes))) calls.remove(fd, name);
  for (const [key, text] of Object.entries(metadata ?? {})) {
    const bytes = Buffer.from(text);
    if (calls.set(fd, attributePrefix + key, bytes, bytes.length, 0) !== 0) throw notKept(key);
  }
}

function ownNames(length: number): string[] {
  if (length <= 0) return [];
  return names
    .toString("utf8", 0, length)
    .split("\0")
    .filter((name) => name.startsWith(attributePrefix));
}

const noSpace = new Set([28, 122, 7]);

function notKept(key: string): RpcError {
  const code = native().errno();
  if (noSpace.has(code))
    return new RpcError("resource_exhausted", `no space for the metadata '${key}'`);
  return new RpcError(
    "invalid_argument",
    `the file system cannot keep the metadata '${key}' (errno ${code})`,
  );
}

/** The metadata that a request gives its files: one header per key. Keys arrive in lower case. */
export function requestedMetadata(request: IncomingMessage): Metadata | undefined {
  const found: [string, string][] = [];
  for (const [name, text] of Object.entries(request.headers)) {
    const key = name.startsWith(headerPrefix) ? name.slice(headerPrefix.length) : "";
    if (key === "") continue;
    if (typeof text !== "string" || !/^[\x20-\x7e]*$/.test(text))
      throw new HttpError(400, `the metadata '${key}' is not printable US-ASCII`);
    found.push([key, text]);
  }
  return found.length === 0 ? undefined : Object.fromEntries(found);
}
