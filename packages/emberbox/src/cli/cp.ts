import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Command, Option } from "commander";
import { EmberboxError, Sandbox } from "@emberbox/core";
import type { FolderCopy } from "@emberbox/core/files";
import { oneLine } from "@emberbox/core/terminal";
import { attached } from "@emberbox/microvm/internal";
import { EXIT, type Finish, say, UsageError } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";

export function addCp(program: Command, finish: Finish): void {
  program
    .command("cp")
    .summary("copy files and directories into or out of a sandbox of another program")
    .description(
      "Copies a file or a directory between this machine and a sandbox that runs in some program of this user. A path in a sandbox begins with the sandbox's id and a colon; one that is relative counts from the home directory of the sandbox's user.",
    )
    .argument("<FROM>", "a path, or ID:PATH; of DIRECTORY/. only what is in it is copied")
    .argument("<TO>", "a path, or ID:PATH; what is copied into a directory keeps its name")
    .option("-r, --recursive", "directories are copied with or without it")
    .addOption(
      new Option(
        "--existing <HOW>",
        "what to do with a directory that is there, and not empty: exchange it, or, in a sandbox, add to it",
      )
        .choices(["refuse", "replace", "merge"])
        .default("refuse"),
    )
    .option("--skip-unsafe", "leave out links, devices and the like that would be unsafe here")
    .addHelpText(
      "after",
      `
A directory arrives as a whole or not at all. Links are copied as links. What comes out of a sandbox is refused when it
has links that lead out of it, devices, or programs that run as their owner.

Examples:
  $ emberbox cp data.csv i6x0q2m4k8s1v7w3y5z9a:data.csv
  $ emberbox cp i6x0q2m4k8s1v7w3y5z9a:/home/user/plot.png .
  $ emberbox cp src i6x0q2m4k8s1v7w3y5z9a:project
  $ emberbox cp i6x0q2m4k8s1v7w3y5z9a:out/. results`,
    )
    .action(async (from: string, to: string, flags: CopyFlags) =>
      finish(await copy(from, to, flags)),
    );
}

/** A path in a sandbox. */
interface Inside {
  readonly id: string;
  readonly path: string;
}

/** A path on this machine that has a colon is written with a slash before it, such as `./a:b`. */
export function insideOf(text: string): Inside | undefined {
  const [, id, path] = /^([A-Za-z0-9_-]{1,128}):(.+)$/s.exec(text) ?? [];
  return id === undefined || path === undefined ? undefined : { id, path };
}

interface CopyFlags {
  readonly existing: "refuse" | "replace" | "merge";
  readonly skipUnsafe?: true;
}

interface Copying extends CopyFlags {
  readonly signal: AbortSignal;
}

async function copy(from: string, to: string, flags: CopyFlags): Promise<number> {
  const [source, target] = [insideOf(from), insideOf(to)];
  if ((source === undefined) === (target === undefined))
    throw new UsageError("one of the two paths must be in a sandbox", "Write it as ID:PATH.");
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  await using provider = attached();
  try {
    const { id } = (source ?? target)!;
    const sandbox = await Sandbox.connect(id, { provider, signal });
    const copying = { ...flags, signal };
    if (target) await upload(sandbox, from, target.path, copying);
    else await download(sandbox, source!.path, to, copying);
    return EXIT.ok;
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    if (EmberboxError.isInstance(error) && error.code === "file_exists")
      throw new UsageError(error.message, "`--existing replace` exchanges it.");
    throw error;
  }
}

async function upload(sandbox: Sandbox, from: string, to: string, how: Copying): Promise<void> {
  const { signal, existing, skipUnsafe } = how;
  const stats = await stat(from).catch((error: Error) => {
    throw new UsageError(`${from} cannot be read: ${error.message}`);
  });
  if (skipUnsafe) throw new UsageError("--skip-unsafe is for what comes out of a sandbox");
  const isInto = to.endsWith("/") || (await isDirectory(sandbox, to, signal));
  const path = isInto ? within(to, from) : to;
  if (stats.isDirectory())
    return tell(await sandbox.files.uploadDir(from, path, { existing, signal }));
  const data = Readable.toWeb(createReadStream(from)) as ReadableStream<Uint8Array>;
  await sandbox.files.write(path, data, { signal });
}

async function download(
  sandbox: Sandbox,
  from: string,
  to: string,
  { signal, existing, skipUnsafe }: Copying,
): Promise<void> {
  const isInto = to.endsWith("/") || (await stat(to).catch(() => undefined))?.isDirectory();
  const path = isInto ? within(to, from) : to;
  if (await isDirectory(sandbox, from, signal)) {
    if (existing === "merge")
      throw new UsageError("a directory of this machine is not merged with one of a sandbox");
    const options = { existing, skipUnsafe, signal };
    return tell(await sandbox.files.downloadDir(from, path, options));
  }
  const data = await sandbox.files.read(from, { format: "stream", signal });
  const part = `${path}.part-${process.pid}`;
  try {
    await pipeline(Readable.fromWeb(data as never), createWriteStream(part, { flags: "wx" }), {
      signal,
    });
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** Where something goes that is copied into a directory: what has no name of its own, such as `a/.`, is that directory. */
export function within(directory: string, from: string): string {
  const name = from.replace(/\/+$/, "").split("/").at(-1)!;
  return /^\.{0,2}$/.test(name) ? directory : `${directory.replace(/\/+$/, "")}/${name}`;
}

const MAX_TOLD = 20;

function tell({ skipped }: FolderCopy): void {
  if (skipped.length === 0) return;
  const more = skipped.length > MAX_TOLD ? [`and ${skipped.length - MAX_TOLD} more`] : [];
  say(`left out: ${[...skipped.slice(0, MAX_TOLD).map(oneLine), ...more].join(", ")}`);
}

async function isDirectory(sandbox: Sandbox, path: string, signal: AbortSignal): Promise<boolean> {
  if (!(await sandbox.files.exists(path, { signal }))) return false;
  return (await sandbox.files.getInfo(path, { signal })).type === "dir";
}
