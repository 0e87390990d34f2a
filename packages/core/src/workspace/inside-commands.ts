import { randomUUID } from "node:crypto";
import { z } from "zod";
import { EmberboxError } from "../errors.ts";
import { quote } from "../shell-quote.ts";
import { collect } from "../wire/body.ts";
import { shareTurn } from "../wire/share-turn.ts";
import type { Tree } from "./compare.ts";
import {
  guestChanges,
  type GuestEntry,
  MAX_GUEST_BYTES,
  MAX_GUEST_ENTRIES,
  MAX_READ,
  tooManyChanges,
} from "./guest-answer.ts";
import type { Inside } from "./inside.ts";
import { bytesOf, comparePaths, textOf } from "./paths.ts";
import { type Reach, run, type Writer } from "./writer.ts";

const types: Readonly<Record<string, GuestEntry["type"]>> = {
  f: "file",
  d: "directory",
  l: "symlink",
};
const FIELDS = 6;
const digestLine = z.string().regex(/^[0-9a-f]{64} [ *]\.\/./);

/**
 * A workspace of a sandbox whose provider knows of none: it was uploaded, and what it has now is listed by commands that
 * every Linux with GNU's `find` and `sha256sum` has.
 */
export class InsideCommands implements Inside {
  readonly #reach: Reach;
  readonly #guest: string;
  readonly #writer: Writer;

  constructor(reach: Reach, guest: string, writer: Writer) {
    this.#reach = reach;
    this.#guest = guest;
    this.#writer = writer;
  }

  async tree(signal?: AbortSignal): Promise<Tree> {
    const base = `/tmp/.emberbox-${randomUUID()}`;
    const { commands } = this.#reach;
    const options = { user: "root", signal };
    try {
      await run(
        commands,
        `set -e
export LC_ALL=C
cd -- ${quote(this.#guest)}
find . -mindepth 1 -printf '%y\\0%m\\0%s\\0%T@\\0%l\\0%P\\0' > ${base}.list
find . -type f ! -size +${MAX_READ}c -print0 | xargs -0 -r sha256sum -z -- > ${base}.sums`,
        options,
      );
      const list = (await this.#collect(`${base}.list`, signal)).split("\0");
      const sums = (await this.#collect(`${base}.sums`, signal)).split("\0");
      return await treeFrom(list, sums);
    } finally {
      await commands.run(`rm -f ${base}.*`, { user: "root" }).catch(() => {});
    }
  }

  async *read(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const text = textOf(path);
    if (text.isWellFormed()) return yield* await this.#stream(`${this.#guest}/${text}`, signal);
    // Requests have paths of UTF-8.
    const base = `/tmp/.emberbox-${randomUUID()}`;
    const { files, commands } = this.#reach;
    const options = { user: "root", signal };
    try {
      const name = `${bytesOf(this.#guest)}/${path}\0`;
      await files.write(`${base}.name`, Buffer.from(name, "latin1"), options);
      await run(commands, `xargs -0 -I{} cp -T -- {} ${base}.copy < ${base}.name`, options);
      yield* await this.#stream(`${base}.copy`, signal);
    } finally {
      await commands.run(`rm -rf ${base}.*`, { user: "root" }).catch(() => {});
    }
  }

  original(): undefined {
    return undefined;
  }

  write(...given: Parameters<Writer["write"]>): Promise<void> {
    return this.#writer.write(...given);
  }

  async #stream(
    path: string,
    signal: AbortSignal | undefined,
  ): Promise<ReadableStream<Uint8Array>> {
    return this.#reach.files.read(path, { format: "stream", user: "root", signal });
  }

  async #collect(path: string, signal: AbortSignal | undefined): Promise<string> {
    const stream = await this.#stream(path, signal);
    const pieces = (async function* () {
      for await (const piece of stream) yield Buffer.from(piece);
    })();
    return (await collect(pieces, MAX_GUEST_BYTES)).toString("latin1");
  }
}

async function treeFrom(list: readonly string[], sums: readonly string[]): Promise<Tree> {
  const digests = new Map<string, string>();
  for (const line of sums)
    if (digestLine.safeParse(line).success) digests.set(line.slice(68), line.slice(0, 64));
  const entries: GuestEntry[] = [];
  if (list.length > FIELDS * MAX_GUEST_ENTRIES) throw tooManyChanges();
  for (let at = 0; at + FIELDS <= list.length; at += FIELDS) {
    const [kind, mode, size, mtime, target, path] = list.slice(at, at + FIELDS) as [
      string,
      ...string[],
    ];
    const type = types[kind] ?? "other";
    const digest = digests.get(path!);
    // It went away while files were read.
    if (type === "file" && digest === undefined && Number(size) <= MAX_READ) continue;
    entries.push({
      path: path!,
      type,
      mode: Number.parseInt(mode!, 8),
      size: type === "file" ? Number(size) : 0,
      mtimeMs: Number(mtime) * 1000,
      ...(type === "symlink" && { target: target! }),
      ...(type === "file" && digest !== undefined && { digest }),
    });
    await shareTurn();
  }
  const parsed = guestChanges.safeParse({ removed: [], entries });
  if (!parsed.success)
    throw new EmberboxError(
      "protocol_error",
      "What commands in the sandbox say about a workspace is not what was expected",
      { cause: parsed.error, hint: "It takes GNU's `find`, `xargs`, `sha256sum` and `tar`." },
    );
  const sorted = parsed.data.entries.toSorted((a, b) => comparePaths(a.path, b.path));
  return new Map(sorted.map((entry) => [entry.path, entry]));
}
