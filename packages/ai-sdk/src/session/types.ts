import type { Experimental_SandboxSession } from "ai";
import type { SandboxSessions } from "@emberbox/core/tools";

interface PathOptions {
  readonly path: string;
  readonly abortSignal?: AbortSignal;
}

export interface ProcessOptions {
  readonly command: string;
  /** Absolute, or relative to the directory in which commands start. */
  readonly workingDirectory?: string;
  /** On top of the sandbox's own. */
  readonly env?: Record<string, string>;
  readonly abortSignal?: AbortSignal;
}

export interface SandboxProcess {
  readonly pid: number;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** The exit code, -1 when a signal ended it. Rejects with the reason of an abort. */
  wait(): Promise<{ exitCode: number }>;
  /** Kills it and what it started, with SIGKILL. */
  kill(): Promise<void>;
}

export interface WritableSandboxProcess extends SandboxProcess {
  /** Closing it ends the standard input, after what was written. */
  readonly stdin: WritableStream<Uint8Array>;
}

export interface SpawnFunction {
  (options: ProcessOptions & { readonly stdin: true }): Promise<WritableSandboxProcess>;
  (options: ProcessOptions & { readonly stdin?: false }): Promise<SandboxProcess>;
  (
    options: ProcessOptions & { readonly stdin?: boolean },
  ): Promise<SandboxProcess | WritableSandboxProcess>;
}

type WithPromises<Methods> = {
  readonly [Name in keyof Methods]: Methods[Name] extends (
    options: infer Options,
  ) => PromiseLike<infer Result>
    ? (options: Options) => Promise<Result>
    : Methods[Name];
};

/**
 * `experimental_sandbox` of the AI SDK, with all that its newest release has; older releases of 7 take it, too. Paths
 * are absolute or relative to the directory in which commands start.
 */
export interface SandboxSession extends WithPromises<
  Omit<Experimental_SandboxSession, "spawn" | "stat" | "listDirectory" | "deleteFile">
> {
  /** One sandbox for each conversation; other parts of this package may share them. */
  readonly sessions: SandboxSessions;
  /** Follows links. `null` when there is nothing. */
  readonly stat: (
    options: PathOptions,
  ) => Promise<{ type: "file" | "directory" | "other"; size: number } | null>;
  /** Not recursive; links are not followed. `null` when there is nothing. Rejects when it is no directory. */
  readonly listDirectory: (
    options: PathOptions,
  ) => Promise<{ name: string; type: "file" | "directory" | "symlink" | "other" }[] | null>;
  /** False when there was nothing. Rejects for a directory. */
  readonly deleteFile: (options: PathOptions) => Promise<boolean>;
  /** Starts a command; with `stdin: true`, it can be written to. */
  readonly spawn: SpawnFunction;
}

/** A session for somebody who may use the sandbox, and neither end nor open it. */
export type RestrictedSandboxSession = Omit<SandboxSession, "sessions">;
