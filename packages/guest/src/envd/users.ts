import { readFileSync, statSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { AgentContext } from "../context.ts";
import { RpcError } from "./connect.ts";

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** The accounts in a text in the format of `/etc/passwd`, by name; lines that are not accounts are skipped. */
export function parsePasswd(text: string): Map<string, User> {
  const users = new Map<string, User>();
  for (const line of text.split("\n")) {
    const [name, , uid, gid, , home, shell] = line.split(":");
    if (!name || !/^\d+$/.test(uid ?? "") || !/^\d+$/.test(gid ?? "")) continue;
    users.set(name, {
      name,
      uid: Number(uid),
      gid: Number(gid),
      home: home || "/",
      shell: shell || "/bin/sh",
    });
  }
  return users;
}

/** Names by number, from a text in the format of `/etc/passwd` or `/etc/group`; the first name wins. */
export function parseNames(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [name, , id] = line.split(":");
    if (name && /^\d+$/.test(id ?? "") && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}

/** What `parse` returns for a file, cached until the file changes. */
function cached<T>(path: string, parse: (text: string) => T): () => T {
  let stamp = "";
  let value: T | undefined;
  return () => {
    const { mtimeMs, ino, size } = statSync(path);
    const current = `${mtimeMs}:${ino}:${size}`;
    if (value === undefined || current !== stamp) {
      value = parse(readFileSync(path, "utf8"));
      stamp = current;
    }
    return value;
  };
}

const accounts = cached("/etc/passwd", parsePasswd);
const accountNames = cached("/etc/passwd", parseNames);
const groups = cached("/etc/group", parseNames);

export function findUser(name: string): User {
  const user = accounts().get(name);
  if (user === undefined) throw new RpcError("unauthenticated", `invalid username: '${name}'`);
  return user;
}

/** Looks up names of owners and groups: one call per listing rather than one per entry. */
export function ownerNames(): { user: (id: number) => string; group: (id: number) => string } {
  const users = accountNames();
  const known = groups();
  return { user: (id) => users.get(id) ?? String(id), group: (id) => known.get(id) ?? String(id) };
}

/** The user that a request names in its basic authentication, or the default one. */
export function requestUser(request: IncomingMessage, context: AgentContext): User {
  const header = request.headers.authorization;
  if (header === undefined || !header.startsWith("Basic "))
    return findUser(context.defaults?.user ?? context.defaultUser);
  const credentials = Buffer.from(header.slice(6), "base64").toString();
  const colon = credentials.indexOf(":");
  return findUser(colon < 0 ? credentials : credentials.slice(0, colon));
}
