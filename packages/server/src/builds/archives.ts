import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ApiError } from "../api-error.ts";

const GIB = 1024 ** 3;
/** The size of an archive. */
const MOST_BYTES = 2 * GIB;
/** The size of all of them. */
const MOST_TOGETHER = 8 * GIB;
/** An archive that no build has used for so long is removed when another one comes. In ms. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;
/** How long a client may send nothing, in ms. */
const SILENCE_MS = 60_000;
/** How the names of those end that are still coming. */
const PART = ".part";

/** What clients have sent to be copied into templates, by its hash. It is never unpacked here. */
export class Archives {
  readonly #directory: string;
  /** Bytes that are being sent. */
  #coming = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  path(hash: string): string {
    return join(this.#directory, `${hash}.tar.gz`);
  }

  async has(hash: string): Promise<boolean> {
    return access(this.path(hash)).then(
      () => true,
      () => false,
    );
  }

  /** Keeps one from being the next to be removed. */
  async touch(hash: string): Promise<void> {
    await utimes(this.path(hash), new Date(), new Date());
  }

  /** Writes one of so many bytes; those in `used` are not removed for it. @throws 400, 413, 507 */
  async save(
    hash: string,
    body: Readable,
    bytes: number,
    used: ReadonlySet<string>,
  ): Promise<void> {
    if (bytes > MOST_BYTES)
      throw new ApiError(413, `An archive may have ${MOST_BYTES / GIB} GiB, not ${bytes} bytes`);
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const part = join(this.#directory, `${hash}.${randomBytes(8).toString("hex")}${PART}`);
    this.#coming += bytes;
    try {
      await this.#makeRoom(used);
      await pipeline(
        body,
        (source) => exactly(source as AsyncIterable<Buffer>, bytes),
        createWriteStream(part, { flags: "wx", mode: 0o600 }),
      );
      await rename(part, this.path(hash));
    } catch (error) {
      throw refusalOf(error);
    } finally {
      this.#coming -= bytes;
      await rm(part, { force: true });
    }
  }

  /** Removes the oldest, and what a server that was killed has left. */
  async #makeRoom(used: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.#directory);
    const found = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#directory, name);
        const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: Date.now() }));
        return { path, size, mtimeMs, name };
      }),
    );
    const now = Date.now();
    for (const part of found.filter(isPart))
      if (now - part.mtimeMs > 2 * SILENCE_MS) await rm(part.path, { force: true });
    const archives = found
      .filter((each) => !isPart(each))
      .toSorted((a, b) => a.mtimeMs - b.mtimeMs);
    let together = this.#coming + archives.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size, mtimeMs, name } of archives) {
      if (used.has(name.split(".", 1)[0]!)) continue;
      if (together <= MOST_TOGETHER && now - mtimeMs < KEPT_MS) continue;
      await rm(path, { force: true });
      together -= size;
    }
    if (together > MOST_TOGETHER)
      throw new ApiError(507, "There is no room for more files while other builds need theirs");
  }
}

/** Passes on so many bytes, which come without long pauses. */
async function* exactly(source: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  const chunks = source[Symbol.asyncIterator]();
  for (;;) {
    const { promise: silence, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new ApiError(408, "Nothing has been sent for too long")),
      SILENCE_MS,
    );
    const next = await Promise.race([chunks.next(), silence]).finally(() => clearTimeout(timer));
    if (next.done) break;
    left -= next.value.length;
    if (left < 0) break;
    yield next.value;
  }
  if (left !== 0) throw new ApiError(400, "The archive is not as long as its Content-Length says");
}

function refusalOf(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC") return new ApiError(507, "The server's disk is full");
  if (code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE")
    return new ApiError(400, "The archive was not sent to its end");
  return error;
}

const isPart = ({ name }: { readonly name: string }): boolean => name.endsWith(PART);
