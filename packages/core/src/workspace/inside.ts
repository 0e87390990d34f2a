import type { Tree } from "./compare.ts";

/** Something that is to be in the sandbox's copy of a folder. Paths are bytes, parents before what is in them. */
export interface Put {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  readonly mode: number;
  readonly mtimeMs: number;
  readonly target?: string | undefined;
  /** A file's bytes, and how many there are. */
  readonly size: number;
  readonly content?: (() => AsyncIterable<Uint8Array>) | undefined;
}

/** The sandbox's copy of a folder, as it is reached from outside. What it answers is not to be trusted. */
export interface Inside {
  /** Everything that is in it now. */
  tree(signal?: AbortSignal): Promise<Tree>;
  /** A file's bytes as they are now. */
  read(path: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** A file's bytes as they were brought along; nothing where those are not kept. */
  original(path: string, signal?: AbortSignal): AsyncIterable<Uint8Array> | undefined;
  /** Removes some things with all that is in them, and then puts others there. */
  write(removed: readonly string[], puts: readonly Put[], signal?: AbortSignal): Promise<void>;
}
