import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { Sandbox } from "@emberbox/core";
import { attached } from "@emberbox/microvm/internal";
import { EXIT, type Finish, UsageError } from "./failure.ts";
import { listenForInterrupt } from "./interrupt.ts";

export function addCp(program: Command, finish: Finish): void {
  program
    .command("cp")
    .summary("copy a file into or out of a sandbox of another program")
    .description(
      "Copies one file between this machine and a sandbox that runs in some program of this user. A path in a sandbox begins with the sandbox's id and a colon; one that is relative counts from the home directory of the sandbox's user.",
    )
    .argument("<FROM>", "a path, or ID:PATH")
    .argument("<TO>", "a path, or ID:PATH; in an existing directory, the file keeps its name")
    .addHelpText(
      "after",
      `
Directories go through \`emberbox exec\` and tar, as below.

Examples:
  $ emberbox cp data.csv i6x0q2m4k8s1v7w3y5z9a:data.csv
  $ emberbox cp i6x0q2m4k8s1v7w3y5z9a:/home/user/plot.png .
  $ tar -c src | emberbox exec -i i6x0q2m4k8s1v7w3y5z9a -- tar -x
  $ emberbox exec i6x0q2m4k8s1v7w3y5z9a -- tar -c out | tar -x`,
    )
    .action(async (from: string, to: string) => finish(await copy(from, to)));
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

async function copy(from: string, to: string): Promise<number> {
  const [source, target] = [insideOf(from), insideOf(to)];
  if ((source === undefined) === (target === undefined))
    throw new UsageError("one of the two paths must be in a sandbox", "Write it as ID:PATH.");
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  await using provider = attached();
  try {
    const { id } = (source ?? target)!;
    const sandbox = await Sandbox.connect(id, { provider, signal });
    if (target) await upload(sandbox, from, target.path, signal);
    else await download(sandbox, source!.path, to, signal);
    return EXIT.ok;
  } catch (error) {
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    throw error;
  }
}

async function upload(
  sandbox: Sandbox,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const stats = await stat(from).catch((error: Error) => {
    throw new UsageError(`${from} cannot be read: ${error.message}`);
  });
  if (stats.isDirectory()) throw directory(from);
  const isInto = to.endsWith("/") || (await isDirectory(sandbox, to, signal));
  const path = isInto ? `${to.replace(/\/+$/, "")}/${basename(from)}` : to;
  const data = Readable.toWeb(createReadStream(from)) as ReadableStream<Uint8Array>;
  await sandbox.files.write(path, data, { signal });
}

async function download(
  sandbox: Sandbox,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  if (await isDirectory(sandbox, from, signal)) throw directory(from);
  const isInto = (await stat(to).catch(() => undefined))?.isDirectory();
  const path = isInto ? join(to, basename(from)) : to;
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

async function isDirectory(sandbox: Sandbox, path: string, signal: AbortSignal): Promise<boolean> {
  if (!(await sandbox.files.exists(path, { signal }))) return false;
  return (await sandbox.files.getInfo(path, { signal })).type === "dir";
}

const directory = (path: string): UsageError =>
  new UsageError(`${path} is a directory`, "`emberbox cp --help` says how to copy one.");
