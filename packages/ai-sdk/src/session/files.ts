import { EmberboxError, type EntryInfo, type Sandbox } from "@emberbox/core";
import type { SandboxCall } from "@emberbox/core/tools";
import type { SessionCalls } from "./calls.ts";
import type { SandboxSession } from "./types.ts";

interface PathOptions {
  readonly path: string;
  readonly abortSignal?: AbortSignal;
}

type Entries = Awaited<ReturnType<SandboxSession["listDirectory"]>>;
type Stat = Awaited<ReturnType<SandboxSession["stat"]>>;

interface Formats {
  readonly stream: ReadableStream<Uint8Array>;
  readonly bytes: Uint8Array;
}

export function readFile<Format extends keyof Formats>(
  calls: SessionCalls,
  { path, abortSignal: signal }: PathOptions,
  format: Format,
): Promise<Formats[Format] | null> {
  return orNull(
    calls.beside(signal, async ({ sandbox }) => {
      const options = { format: format as "bytes", signal };
      return sandbox.files.read(calls.resolve(path), options) as Promise<Formats[Format]>;
    }),
  );
}

export async function writeFile(
  calls: SessionCalls,
  {
    path,
    content,
    abortSignal: signal,
  }: PathOptions & { readonly content: Formats[keyof Formats] },
): Promise<void> {
  const work = async ({ sandbox }: SandboxCall): Promise<unknown> =>
    sandbox.files.write(calls.resolve(path), content, { signal });
  // A stream may depend on another call, so it must not make others wait.
  await (content instanceof ReadableStream
    ? calls.beside(signal, work)
    : calls.inTurn(signal, work));
}

export function stat(
  calls: SessionCalls,
  { path, abortSignal: signal }: PathOptions,
): Promise<Stat> {
  return calls.beside(signal, async ({ sandbox }) => {
    const info = await infoOf(sandbox, calls.resolve(path), signal);
    if (info === null || info.type === "symlink") return null;
    const type = typeOf(info);
    if (info.symlinkTarget === undefined) return { type, size: info.size };
    const target = await infoOf(sandbox, info.symlinkTarget, signal);
    return target && { type, size: target.size };
  });
}

export function listDirectory(
  calls: SessionCalls,
  { path, abortSignal: signal }: PathOptions,
): Promise<Entries> {
  return orNull(
    calls.beside(signal, async ({ sandbox }) => {
      const entries = await sandbox.files.list(calls.resolve(path), { signal });
      return entries.map((entry) => ({
        name: entry.name,
        type: entry.symlinkTarget === undefined ? typeOf(entry) : ("symlink" as const),
      }));
    }),
  );
}

export function deleteFile(
  calls: SessionCalls,
  { path, abortSignal: signal }: PathOptions,
): Promise<boolean> {
  return calls.inTurn(signal, async ({ sandbox }) => {
    const absolute = calls.resolve(path);
    const info = await infoOf(sandbox, absolute, signal);
    if (info === null) return false;
    if (info.type === "dir" && info.symlinkTarget === undefined) {
      throw new EmberboxError("invalid_path", `${JSON.stringify(path)} is a directory`);
    }
    await sandbox.files.remove(absolute, { signal });
    return true;
  });
}

function infoOf(
  sandbox: Sandbox,
  path: string,
  signal: AbortSignal | undefined,
): Promise<EntryInfo | null> {
  return orNull(sandbox.files.getInfo(path, { signal }));
}

function typeOf({ type }: EntryInfo): "file" | "directory" | "other" {
  if (type === "dir") return "directory";
  return type === "file" ? "file" : "other";
}

async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (EmberboxError.isInstance(error) && error.code === "file_not_found") return null;
    throw error;
  }
}
