import type { Commands } from "../commands/commands.ts";
import { EmberboxError } from "../errors.ts";
import type { Files } from "../files/files.ts";

/** A file, directory or link on a sandbox's disk. */
export interface ListedFile {
  /** As `find` has it: `f`, `d`, `l` and others. */
  readonly type: string;
  /** Bytes; 0 for directories. */
  readonly size: number;
  readonly mode: string;
  readonly owner: string;
  readonly mtime: string;
  /** What a link says. */
  readonly target: string;
}

export type FileListing = ReadonlyMap<string, ListedFile>;

interface Inside {
  readonly files: Files;
  readonly commands: Commands;
}

interface Limits {
  readonly signal?: AbortSignal | undefined;
}

/** In memory while a sandbox runs, and on no other disk. */
const PLACE = "/run/emberbox-comparison";
const MAX_BYTES = 128 * 1024 * 1024;
const LIMIT_MS = 300_000;
const ROOT = { user: "root", timeoutMs: LIMIT_MS } as const;
const FIELDS = 7;
/** Every copy of a machine has its own. */
const OF_EACH = new Set(["/etc/machine-id"]);

/** All that is on a sandbox's own disk: not what is mounted, such as volumes. @throws `unsupported` without GNU's `find` */
export async function listFiles({ files, commands }: Inside, limits: Limits): Promise<FileListing> {
  const form = String.raw`%p\0%y\0%s\0%m\0%U:%G\0%T@\0%l\0`;
  const { exitCode, stderr } = await commands.run(
    `umask 077 && find / -xdev -mindepth 1 -printf '${form}' > ${PLACE}`,
    { ...ROOT, ...limits },
  );
  // A file that goes away meanwhile makes it fail, too, but not without a word about it.
  if (exitCode !== 0 && !stderr.includes("No such file")) throw cannot(stderr);
  const fields = await readFields(files, limits);
  const listed = new Map<string, ListedFile>();
  for (let at = 0; at + FIELDS <= fields.length; at += FIELDS) {
    const [path = "", type = "", size, mode = "", owner = "", mtime = "", target = ""] =
      fields.slice(at, at + FIELDS);
    const bytes = type === "d" ? 0 : Number(size);
    if (!path.startsWith("/") || !Number.isSafeInteger(bytes) || bytes < 0)
      throw new EmberboxError("protocol_error", "The sandbox's list of files is none");
    if (OF_EACH.has(path)) continue;
    listed.set(path, { type, size: bytes, mode, owner, mtime, target });
  }
  return listed;
}

/** The digests of some files, by path; those that cannot be read have none. */
export async function digestsOf(
  { files, commands }: Inside,
  paths: readonly string[],
  limits: Limits,
): Promise<ReadonlyMap<string, string>> {
  if (paths.length === 0) return new Map();
  await files.write(`${PLACE}-names`, paths.map((path) => `${path}\0`).join(""), {
    user: "root",
    ...limits,
  });
  await commands.run(
    `umask 077 && xargs -0 sha256sum -z -- < ${PLACE}-names > ${PLACE} 2> /dev/null`,
    { ...ROOT, ...limits },
  );
  const lines = await readFields(files, limits);
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}

async function readFields(files: Files, limits: Limits): Promise<string[]> {
  const asRoot = { user: "root", ...limits };
  const { size } = await files.getInfo(PLACE, asRoot);
  if (size > MAX_BYTES)
    throw new EmberboxError("file_too_large", "The sandbox has too many files to compare");
  return (await files.read(PLACE, asRoot)).split("\0").slice(0, -1);
}

const cannot = (why: string): EmberboxError =>
  new EmberboxError("unsupported", `The sandbox's files cannot be listed: ${why.slice(0, 300)}`, {
    hint: "That takes the programs `find` of GNU, `xargs` and `sha256sum` inside.",
  });
