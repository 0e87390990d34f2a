import { createHash } from "node:crypto";
import type { BaselineEntry } from "../workspace-options.ts";
import type { GuestEntry } from "./guest-answer.ts";
import { Directory } from "./directory.ts";
import { hashHostFile, lookAt, readHostFile } from "./host-folder.ts";
import type { Inside } from "./inside.ts";

/**
 * The files of a folder as host and sandbox last agreed on them. They are taken from the folder, where it has not
 * changed, and else from the sandbox; what that says is only believed if it has the right digest.
 */
export class Originals {
  readonly #host: string;
  readonly #inside: Inside;
  readonly #digests = new WeakMap<GuestEntry, string>();

  constructor(host: string, inside: Inside) {
    this.#host = host;
    this.#inside = inside;
  }

  /** The digest of a file's bytes, if it can still be known. */
  async digest(entry: GuestEntry & Pick<BaselineEntry, "ctimeMs">): Promise<string | undefined> {
    const known = entry.digest ?? this.#digests.get(entry);
    if (known !== undefined || entry.type !== "file") return known;
    const digest = this.#isUntouched(entry)
      ? await hashHostFile(this.#host, entry.path)
      : undefined;
    if (digest === undefined || !this.#isUntouched(entry)) return undefined;
    this.#digests.set(entry, digest);
    return digest;
  }

  /** A file's bytes, if there are no more than `limit` and they can still be had. */
  async bytes(
    entry: GuestEntry,
    limit: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    if (entry.size > limit) return undefined;
    const digest = await this.digest(entry);
    if (digest === undefined) return undefined;
    const own = await readHostFile(this.#host, entry.path, limit);
    if (own !== undefined && sha256(own) === digest) return own;
    const kept = this.#inside.original(entry.path, signal);
    const bytes = kept && (await collectUpTo(kept, entry.size).catch(() => undefined));
    signal?.throwIfAborted();
    return bytes !== undefined && sha256(bytes) === digest ? bytes : undefined;
  }

  #isUntouched({ path, size, mtimeMs, ctimeMs }: GuestEntry & Pick<BaselineEntry, "ctimeMs">) {
    using root = Directory.root(this.#host);
    const found = lookAt(root, path);
    if (typeof found !== "object" || found.entry.type !== "file") return false;
    const now = found.entry;
    return now.size === size && now.mtimeMs === mtimeMs && (ctimeMs ?? now.ctimeMs) === now.ctimeMs;
  }
}

/** All of what comes; nothing if that is more than it should be. */
export async function collectUpTo(
  pieces: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<Buffer | undefined> {
  const all: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > limit) return undefined;
    all.push(piece);
  }
  return Buffer.concat(all);
}

/** As hex. */
export const sha256 = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");
