import { randomUUID } from "node:crypto";
import type { Commands } from "../commands/commands.ts";
import { EmberboxError } from "../errors.ts";
import type { Files } from "../files/files.ts";
import { quote } from "../shell-quote.ts";
import { END, headersOf, padding } from "../tar/header.ts";
import { inPieces } from "../tar/pieces.ts";
import type { Put } from "./inside.ts";
import { bufferOf } from "./paths.ts";

/** What of a sandbox is needed. */
export interface Reach {
  readonly files: Files;
  readonly commands: Commands;
}

/** Puts things into a sandbox's copy of a folder, by an archive that is unpacked there. What is made is its owner's. */
export class Writer {
  readonly #reach: Reach;
  readonly #guest: string;

  constructor(reach: Reach, guest: string) {
    this.#reach = reach;
    this.#guest = guest;
  }

  /** @throws what `files.write` and `commands.run` do */
  async write(
    removed: readonly string[],
    puts: readonly Put[],
    signal?: AbortSignal,
  ): Promise<void> {
    if (removed.length === 0 && puts.length === 0) return;
    const { files, commands } = this.#reach;
    const base = `/tmp/.emberbox-${randomUUID()}`;
    const options = { user: "root", signal };
    try {
      await files.write(
        [
          { path: `${base}.gone`, data: names(removed) },
          { path: `${base}.new`, data: names(puts.map(({ path }) => path)) },
          { path: `${base}.tar`, data: ReadableStream.from(inPieces(archiveOf(puts))) },
        ],
        options,
      );
      await run(
        commands,
        `set -e
export LC_ALL=C
cd -- ${quote(this.#guest)}
xargs -0 -r rm -rf -- < ${base}.gone
tar -x -p --no-same-owner --delay-directory-restore -f ${base}.tar
xargs -0 -r chown -h --reference=. -- < ${base}.new`,
        options,
      );
    } finally {
      await commands.run(`rm -f ${base}.*`, { user: "root" }).catch(() => {});
    }
  }
}

const names = (paths: readonly string[]): Uint8Array =>
  Buffer.from(paths.map((path) => `./${path}\0`).join(""), "latin1");

async function* archiveOf(puts: readonly Put[]): AsyncGenerator<Uint8Array> {
  for (const { path, type, mode, mtimeMs, target, size, content } of puts) {
    const length = type === "file" ? size : 0;
    yield headersOf({
      name: bufferOf(`./${path}`),
      type,
      mode: mode & 0o777,
      size: length,
      mtime: mtimeMs / 1000,
      ...(target !== undefined && { target: bufferOf(target) }),
    });
    if (length === 0) continue;
    let left = length;
    for await (const piece of content!()) {
      left -= piece.length;
      yield piece;
    }
    if (left !== 0)
      throw new EmberboxError(
        "workspace_changed",
        `${JSON.stringify(path)} changed while it was read`,
        {
          hint: "Try again when nothing writes to it.",
        },
      );
    yield padding(length);
  }
  yield END;
}

/** Runs a script. @throws `disk_full`, `service_failed` */
export async function run(
  commands: Commands,
  script: string,
  options: { readonly user?: string; readonly signal?: AbortSignal | undefined },
): Promise<string> {
  const { exitCode, stdout, stderr } = await commands.run(script, { ...options, timeoutMs: 0 });
  if (exitCode === 0) return stdout;
  const said = stderr.trim().slice(0, 1000);
  throw new EmberboxError(
    /No space left|quota exceeded/.test(said) ? "disk_full" : "service_failed",
    `A workspace in the sandbox could not be worked on: ${said}`,
    { details: { exitCode } },
  );
}
