import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, posix } from "node:path";
import { Readable } from "node:stream";
import { EmberboxError, type Sandbox } from "@emberbox/core";
import { type CopyEntry, quote, type TemplateStep } from "@emberbox/core/template";
import { ownerOf } from "./users.ts";

/** Files up to this size are sent together, in bytes; others as streams. */
const SMALL_BYTES = 1024 * 1024;
const TOGETHER_BYTES = 16 * 1024 * 1024;
const SCRIPT = "/tmp/.emberbox-copy.sh";

/** Where a step copies to. */
export interface Destination {
  readonly sandbox: Sandbox;
  readonly workdir: string;
  readonly signal: AbortSignal | undefined;
}

/** Puts a step's files, directories and links into the sandbox, as root. */
export async function copyInto(
  step: TemplateStep & { readonly type: "COPY" },
  { sandbox, workdir, signal }: Destination,
): Promise<void> {
  const as = { user: "root", signal };
  let dest = posix.resolve(workdir, step.dest);
  const [only] = step.entries;
  // As in Docker: only the machine knows whether there is a directory.
  if (only?.type === "file" && only.path === "" && (await isDirectory(sandbox, dest, as)))
    dest = posix.join(dest, basename(only.source!));
  const at = ({ path }: CopyEntry): string => posix.join(dest, path);
  const of = (type: CopyEntry["type"]): CopyEntry[] =>
    step.entries.filter((entry) => entry.type === type);
  const run = async (lines: readonly string[]): Promise<void> => {
    if (lines.length === 0) return;
    await sandbox.files.write(SCRIPT, ["set -e", ...lines, `rm ${SCRIPT}`, ""].join("\n"), as);
    const { exitCode, stderr } = await sandbox.commands.run(`sh ${SCRIPT}`, as);
    if (exitCode !== 0) throw new Error(stderr.trim());
  };
  await run(of("directory").map((entry) => `mkdir -p -- ${quote(at(entry))}`));
  await writeFiles(sandbox, of("file"), at, as);
  const owner = quote(ownerOf(step.user));
  await run([
    ...of("symlink").map((entry) => `ln -sfn -- ${quote(entry.target!)} ${quote(at(entry))}`),
    ...of("file").map((entry) => `chmod ${octal(step.mode ?? entry.mode)} -- ${quote(at(entry))}`),
    ...of("directory").map((entry) => `chmod ${octal(entry.mode)} -- ${quote(at(entry))}`),
    ...step.entries.map((entry) => `chown -h -- ${owner} ${quote(at(entry))}`),
  ]);
}

const octal = (mode: number): string => mode.toString(8);

interface As {
  readonly user: string;
  readonly signal: AbortSignal | undefined;
}

async function isDirectory(sandbox: Sandbox, path: string, as: As): Promise<boolean> {
  try {
    return (await sandbox.files.getInfo(path, as)).type === "dir";
  } catch (error) {
    if (EmberboxError.isInstance(error) && error.code === "file_not_found") return false;
    throw error;
  }
}

async function writeFiles(
  sandbox: Sandbox,
  entries: readonly CopyEntry[],
  at: (entry: CopyEntry) => string,
  as: As,
): Promise<void> {
  let together: { path: string; data: Uint8Array }[] = [];
  let bytes = 0;
  const send = async (): Promise<void> => {
    if (together.length > 0) await sandbox.files.write(together, as);
    together = [];
    bytes = 0;
  };
  for (const entry of entries) {
    const path = at(entry);
    const source = entry.source!;
    const { size } = await stat(source);
    if (size > SMALL_BYTES) {
      const stream = Readable.toWeb(createReadStream(source)) as ReadableStream<Uint8Array>;
      await sandbox.files.write(path, stream, as);
      continue;
    }
    together.push({ path, data: await readFile(source) });
    bytes += size;
    if (bytes > TOGETHER_BYTES) await send();
  }
  await send();
}
