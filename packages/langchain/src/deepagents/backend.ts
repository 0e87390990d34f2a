import { randomUUID } from "node:crypto";
import type {
  DeleteResult,
  EditResult,
  ExecuteResponse,
  FileDownloadResponse,
  FileUploadResponse,
  GlobResult,
  GrepResult,
  LsResult,
  ReadRawResult,
  ReadResult,
  SandboxBackendProtocolV2,
  WriteResult,
} from "deepagents";
import { z } from "zod";
import { type FieldsOf, parseOptions } from "@emberbox/core/options";
import {
  SandboxSessions,
  type SandboxSessionsOptions,
  type SandboxSource,
} from "@emberbox/core/tools";
import { callBackend, type BackendCall } from "./call.ts";
import { execute, type ExecuteLimits } from "./execute.ts";
import * as files from "./files.ts";
import { read, readRaw } from "./read.ts";
import { glob, grep } from "./search.ts";

/** Limits of commands, and how long threads keep their sandboxes. */
export interface SandboxBackendOptions extends SandboxSessionsOptions {
  /** How long a command may run, in milliseconds. @default 120_000 */
  readonly timeoutMs?: number | undefined;
  /**
   * The most bytes of a command's output: its beginning and its end. deepagents saves long output to a file.
   * @default 1_000_000
   */
  readonly maxOutputBytes?: number | undefined;
}

const limitsSchema = z.strictObject({
  timeoutMs: z.int().positive().default(120_000).describe("a positive integer"),
  maxOutputBytes: z.int().min(1000).default(1_000_000).describe("a whole number of at least 1000"),
} satisfies FieldsOf<Omit<SandboxBackendOptions, keyof SandboxSessionsOptions>>);

/**
 * A backend for `createDeepAgent`: one object for all threads, each of which has its own sandbox. Failures are answers,
 * since an exception would end an agent's run; an abort kills what is running.
 */
export class SandboxBackend implements SandboxBackendProtocolV2, AsyncDisposable {
  readonly id: string;
  readonly sessions: SandboxSessions;
  readonly #owned: boolean;
  readonly #limits: ExecuteLimits;
  readonly #threadId: string | undefined;

  /** Use `createSandboxBackend`. */
  constructor(
    source?: SandboxSource | SandboxSessions,
    options: SandboxBackendOptions = {},
    threadId?: string,
  ) {
    this.#threadId = threadId;
    const { timeoutMs, maxOutputBytes, ...lifecycle } = options;
    this.#limits = parseOptions(limitsSchema, { timeoutMs, maxOutputBytes });
    this.#owned = !(source instanceof SandboxSessions);
    this.sessions =
      source instanceof SandboxSessions
        ? source
        : new SandboxSessions(source, lifecycle, "deepagents");
    this.id = this.sessions.source.given?.sandboxId ?? `emberbox-${randomUUID()}`;
  }

  /**
   * The same backend for one thread, whether or not an agent runs: to give it files before its first `invoke`, or to
   * fetch some afterwards. It has the thread's sandbox; nothing is created until it is used.
   */
  thread(threadId: string | number): SandboxBackend {
    return new SandboxBackend(this.sessions, this.#limits, String(threadId));
  }

  /** Whether the thread has a sandbox now; outside of threads, whether calls without one have. */
  get isRunning(): boolean {
    return this.sessions.sandboxId(this.#threadId) !== undefined;
  }

  /** Ends the thread's sandbox, unless it was given; outside of threads, that of calls without one. */
  async close(): Promise<void> {
    await this.sessions.close(this.#threadId);
  }

  /** Runs a command line with bash. */
  execute(command: string): Promise<ExecuteResponse> {
    return this.#change(`execute: ${command}`, commandFailure, (call) =>
      execute(call, command, this.#limits),
    );
  }

  /** Lists a directory; a missing one is empty. */
  ls(path: string): Promise<LsResult> {
    return this.#read(failure, (call) => files.ls(call, path));
  }

  /** Reads lines of a text file, from `offset` (counted from 0); any other file whole. */
  read(filePath: string, offset: number = 0, limit: number = 500): Promise<ReadResult> {
    return this.#read(failure, (call) => read(call, filePath, offset, limit));
  }

  /** Reads a whole file. */
  readRaw(filePath: string): Promise<ReadRawResult> {
    return this.#read(failure, (call) => readRaw(call, filePath));
  }

  /** Writes a text file. */
  write(filePath: string, content: string): Promise<WriteResult> {
    return this.#change(`write: ${filePath}`, failure, (call) =>
      files.write(call, filePath, content),
    );
  }

  /** Replaces text in a file. */
  edit(
    filePath: string,
    oldString: string,
    newString: string,
    replaceAll: boolean = false,
  ): Promise<EditResult> {
    return this.#change(`edit: ${filePath}`, failure, (call) =>
      files.edit(call, filePath, oldString, newString, replaceAll),
    );
  }

  /** Deletes a file, or a directory and everything in it. */
  delete(filePath: string): Promise<DeleteResult> {
    return this.#change(`delete: ${filePath}`, failure, (call) => files.remove(call, filePath));
  }

  /** Finds lines that contain `pattern`, as plain text, in text files that match the glob `filter`. */
  grep(
    pattern: string,
    path?: string | null,
    filter?: string | null,
    maxCount?: number | null,
  ): Promise<GrepResult> {
    return this.#read(failure, (call) =>
      grep(call, pattern, path ?? "/", filter ?? null, maxCount ?? null),
    );
  }

  /** Finds files and directories by a glob, relative to `path`. */
  glob(pattern: string, path: string = "/"): Promise<GlobResult> {
    return this.#read(failure, (call) => glob(call, pattern, path));
  }

  /**
   * Writes files to the sandbox; each gets an answer of its own. Outside of an agent's run, use `thread(id)`: other
   * files do not get into a thread.
   */
  uploadFiles(given: [string, Uint8Array][]): Promise<FileUploadResponse[]> {
    const paths = given.map(([path]) => path);
    return this.#change(
      `upload: ${paths.join(" ")}`,
      (text) => paths.map((path) => ({ path, error: files.asErrorCode(text) })),
      (call) => files.upload(call, given),
    );
  }

  /** Reads files from the sandbox; each gets an answer of its own. */
  downloadFiles(paths: string[]): Promise<FileDownloadResponse[]> {
    const failed = (text: string): FileDownloadResponse[] =>
      paths.map((path) => ({ path, content: null, error: files.asErrorCode(text) }));
    return this.#read(failed, (call) => files.download(call, paths));
  }

  /** Ends the sandboxes that were created here. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#owned) await this.sessions[Symbol.asyncDispose]();
  }

  #read<Answer>(
    failed: (text: string) => Answer,
    work: (call: BackendCall) => Promise<Answer>,
  ): Promise<Answer> {
    return callBackend(this.sessions, this.#threadId, { beside: true }, work, failed);
  }

  #change<Answer>(
    label: string,
    failed: (text: string) => Answer,
    work: (call: BackendCall) => Promise<Answer>,
  ): Promise<Answer> {
    return callBackend(this.sessions, this.#threadId, { label }, work, failed);
  }
}

function commandFailure(output: string): ExecuteResponse {
  return { output, exitCode: 1, truncated: false };
}

function failure(error: string): { error: string } {
  return { error };
}

/**
 * Creates a backend for deep agents. Its commands and files are in the given sandbox, or in sandboxes of a provider (by
 * default the engine on this machine), one per `thread_id`.
 * @throws `invalid_argument`, `unsupported`
 */
export function createSandboxBackend(
  source?: SandboxSource | SandboxSessions,
  options?: SandboxBackendOptions,
): SandboxBackend {
  return new SandboxBackend(source, options);
}
