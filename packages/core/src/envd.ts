/** What both ends of the protocol, and a server between them, have to agree on beyond its messages. */
import { createHash, timingSafeEqual } from "node:crypto";

/**
 * The version of E2B's envd that a sandbox of ours is to report: that of the newest feature that works here, as
 * E2B's SDKs switch theirs on by it. `docs/envd.md` lists them.
 */
export const envdVersion = "0.6.4";

/** One file and one operation that whoever has the signature may do. */
export interface FileGrant {
  readonly path: string;
  readonly operation: "read" | "write";
  /** Empty for the sandbox's default user. */
  readonly user: string;
  /** Unix time in seconds, as text, or `null` for no end. */
  readonly expiration: string | null;
}

/** Signs a grant with a sandbox's access token, as E2B's SDKs do. */
export function signFile({ path, operation, user, expiration }: FileGrant, token: string): string {
  const parts = [path, operation, user, token];
  if (expiration !== null) parts.push(expiration);
  return `v1_${createHash("sha256").update(parts.join(":")).digest("base64").replace(/=+$/, "")}`;
}

/** What a request for files, processes or code shows of its right to an answer. */
export interface Shown {
  readonly method: string | undefined;
  readonly url: URL;
  /** Its `X-Access-Token`. */
  readonly token: string | undefined;
}

/** Why such a request is refused, in the words of E2B's envd; `undefined` when it shows the token or a signature. */
export function refusalOf({ method, url, token }: Shown, expected: string): string | undefined {
  if (method === "GET" && url.pathname === "/health") return undefined;
  const query = url.searchParams;
  const isFile = url.pathname === "/files" && (method === "GET" || method === "POST");
  if (!isFile || token !== undefined || !query.has("signature")) {
    if (isEqual(token ?? "", expected)) return undefined;
    return "unauthorized access, please provide a valid access token or method signing if supported";
  }
  const expiration = query.get("signature_expiration");
  const operation = method === "GET" ? "read" : "write";
  const [path, user] = [query.get("path") ?? "", query.get("username") ?? ""];
  const signature = signFile({ path, operation, user, expiration }, expected);
  if (!isEqual(query.get("signature")!, signature)) return "invalid signature";
  if (expiration !== null && !(Number(expiration) * 1000 > Date.now()))
    return "signature is already expired";
  return undefined;
}

/** The URL as a sandbox may see it: its memory is copied with it, and a copy may be another's. */
export function withoutSignature(url: URL): URL {
  if (!url.searchParams.has("signature")) return url;
  const bare = new URL(url);
  for (const name of ["signature", "signature_expiration"]) bare.searchParams.delete(name);
  return bare;
}

/** Compares secrets in a time that tells nothing about them. */
export function isEqual(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
