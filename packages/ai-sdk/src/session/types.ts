import type { Experimental_SandboxSession } from "ai";
import type { SandboxSessions } from "@emberbox/core/tools";

interface PathOptions {
  readonly path: string;
  readonly abortSignal?: AbortSignal;
}

/** A command to run. */
export interface ProcessOptions {
  readonly command: string;
  /** Absolute, or relative to the directory in which commands start. */
  readonly workingDirectory?: string;
  /** Added to the sandbox's own variables. */
  readonly env?: Record<string, string>;
  readonly abortSignal?: AbortSignal;
}

/** A running command. */
export interface SandboxProcess {
  readonly pid: number;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Resolves with the exit code, -1 when a signal ended the command. Rejects with the reason of an abort. */
  wait(): Promise<{ exitCode: number }>;
  /** Kills it and everything it started (SIGKILL). */
  kill(): Promise<void>;
}

/** A running command with a standard input to write to. */
export interface WritableSandboxProcess extends SandboxProcess {
  /** Closing it closes standard input, after what was written. */
  readonly stdin: WritableStream<Uint8Array>;
}

/** Starts a command; with `stdin: true`, it has a standard input. */
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
 * `experimental_sandbox` of the AI SDK, with everything in its newest release; older releases of version 7 accept it as
 * well. Paths are absolute, or relative to the directory in which commands start.
 */
export interface SandboxSession extends WithPromises<
  Omit<Experimental_SandboxSession, "spawn" | "stat" | "listDirectory" | "deleteFile">
> {
  /** One sandbox per conversation; other parts of this package can share them. */
  readonly sessions: SandboxSessions;
  /** Follows links. `null` when nothing is there. */
  readonly stat: (
    options: PathOptions,
  ) => Promise<{ type: "file" | "directory" | "other"; size: number } | null>;
  /** Not recursive, and does not follow links. `null` when nothing is there. Rejects when it is not a directory. */
  readonly listDirectory: (
    options: PathOptions,
  ) => Promise<{ name: string; type: "file" | "directory" | "symlink" | "other" }[] | null>;
  /** Resolves to false when nothing was there. Rejects for a directory. */
  readonly deleteFile: (options: PathOptions) => Promise<boolean>;
  /** Starts a command; with `stdin: true`, it can be written to. */
  readonly spawn: SpawnFunction;
}

/** A session for somebody who may use the sandbox, but can neither end it nor open it to others. */
export type RestrictedSandboxSession = Omit<SandboxSession, "sessions">;
