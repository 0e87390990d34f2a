import { EmberboxError, type Sandbox } from "@emberbox/core";
import { commonLimits, pictureProblem, smallerPicture } from "@emberbox/core/tools";
import { SandboxWorkspaceReadNotFoundError } from "@openai/agents-core/sandbox";
import type {
  ListDirectoryArgs,
  ReadFileArgs,
  SandboxDirectoryEntry,
} from "@openai/agents-core/sandbox";
import {
  assertViewImageByteLength,
  imageOutputFromBytes,
} from "@openai/agents-core/sandbox/internal";
import type { ToolOutputImage } from "@openai/agents-core";
import { callSignal } from "./abort.ts";

/** Resolves a path that a model or the framework gave. */
export type Resolve = (path: string | undefined) => string;

export async function readFile(
  sandbox: Sandbox,
  resolve: Resolve,
  args: ReadFileArgs,
): Promise<Uint8Array> {
  const { path, runAs, maxBytes } = args;
  return found(path, async () => {
    const call = { ...as(runAs), signal: callSignal() };
    if (maxBytes === undefined)
      return sandbox.files.read(resolve(path), { ...call, format: "bytes" });
    const stream = await sandbox.files.read(resolve(path), { ...call, format: "stream" });
    return firstBytes(stream, maxBytes);
  });
}

export async function listDir(
  sandbox: Sandbox,
  resolve: Resolve,
  { path, runAs }: ListDirectoryArgs,
): Promise<SandboxDirectoryEntry[]> {
  const entries = await found(path, () =>
    sandbox.files.list(resolve(path), { ...as(runAs), signal: callSignal() }),
  );
  const above = path.replace(/\/+$/, "");
  return entries.map(({ name, type }) => ({
    name,
    path: above === "" || above === "." ? name : `${above}/${name}`,
    type: type === "file" || type === "dir" ? type : "other",
  }));
}

/** Whether a path exists; false only when it is known to be missing. */
export function pathExists(
  sandbox: Sandbox,
  path: string,
  runAs: string | undefined,
): Promise<boolean> {
  return sandbox.files.exists(path, as(runAs));
}

export async function directoryExists(
  sandbox: Sandbox,
  path: string,
  runAs: string | undefined,
): Promise<boolean> {
  try {
    return (await sandbox.files.getInfo(path, as(runAs))).type === "dir";
  } catch (error) {
    if (EmberboxError.isInstance(error) && error.code === "file_not_found") return false;
    throw error;
  }
}

/** Uses the messages with which the framework tells a model what is wrong. What not all models take becomes a copy. */
export async function viewImage(
  sandbox: Sandbox,
  resolve: Resolve,
  { path, runAs }: ReadFileArgs,
): Promise<ToolOutputImage> {
  const call = { ...as(runAs), signal: callSignal() };
  const info = await found(`Image file ${path}`, () => sandbox.files.getInfo(resolve(path), call));
  if (info.type !== "file") throw new Error(`Image path is not a file: ${path}`);
  assertViewImageByteLength(path, info.size);
  const bytes = await sandbox.files.read(resolve(path), { ...call, format: "bytes" });
  const image = imageOutputFromBytes(path, bytes);
  const problem = pictureProblem(bytes);
  if (problem === undefined) return image;
  const copy = await smallerPicture(sandbox, info.path, {
    ...call,
    maxBytes: commonLimits.maxBytes,
  });
  if (copy === undefined) throw new Error(`Image file ${path} is a picture ${problem}`);
  return imageOutputFromBytes(path, copy.bytes);
}

export function as(runAs: string | undefined): { user?: string } {
  return runAs === undefined ? {} : { user: runAs };
}

async function found<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!EmberboxError.isInstance(error) || error.code !== "file_not_found") throw error;
    throw new SandboxWorkspaceReadNotFoundError(`${path} was not found in the sandbox`, {
      path,
      cause: error,
    });
  }
}

async function firstBytes(stream: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of stream) {
    pieces.push(piece.subarray(0, most - size));
    size += piece.length;
    if (size >= most) break;
  }
  return new Uint8Array(Buffer.concat(pieces));
}
