/** What both ends of the protocol, and a server between them, must agree on beyond its messages. */
import { createHash, timingSafeEqual } from "node:crypto";

/** The port on which a sandbox serves files and processes (E2B's envd). */
export const ENVD_PORT = 49983;
/** The port on which a sandbox serves the code interpreter. */
export const INTERPRETER_PORT = 49999;
/** Whether a port of a sandbox is its agent's, rather than one that a server inside may listen on. */
export const isAgentPort = (port: number): boolean =>
  port === ENVD_PORT || port === INTERPRETER_PORT;

/**
 * The version of E2B's envd that our sandboxes report. E2B's SDKs use it to decide which features to enable, so it is
 * that of the newest feature that works here. `docs/envd.md` lists them.
 */
export const envdVersion = "0.6.4";

/**
 * Where the interpreter runs code as a user, and makes their contexts; `user` is a segment of a path, and `path` what it
 * is for everybody. E2B's protocol has no such paths, so its services refuse; a field that they do not know they would
 * pass over, and run the code as somebody else.
 */
export function userPath(user: string, path: "/execute" | "/contexts"): string {
  return `/users/${user}${path}`;
}

/** One operation on one file, open to anyone who has the signature. */
export interface FileGrant {
  readonly path: string;
  readonly operation: "read" | "write";
  /** Empty for the sandbox's default user. */
  readonly user: string;
  /** Unix time in seconds, as text; `null` when it never expires. */
  readonly expiration: string | null;
}

/** Signs a grant with a sandbox's access token, as E2B's SDKs do. */
export function signFile({ path, operation, user, expiration }: FileGrant, token: string): string {
  const parts = [path, operation, user, token];
  if (expiration !== null) parts.push(expiration);
  return `v1_${createHash("sha256").update(parts.join(":")).digest("base64").replace(/=+$/, "")}`;
}

/** Compares secrets in constant time. */
export function isEqual(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
