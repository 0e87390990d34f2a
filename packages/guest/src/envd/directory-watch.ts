import { lstatSync, readdirSync, type Dirent } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { background, warning } from "@emberbox/core/background";
import { RpcError } from "./connect.ts";
import { entryInfo, type EntryInfo } from "./entry.ts";
import { Bit, Inotify, InotifyError, parseRecords, type InotifyRecord } from "./inotify.ts";

type ChangeType = "CREATE" | "WRITE" | "REMOVE" | "RENAME" | "CHMOD";

/** `filesystem.FilesystemEvent` as JSON. */
export interface Change {
  /** Relative to the watched directory; `.` for itself. */
  readonly name: string;
  readonly type: `EVENT_TYPE_${ChangeType}`;
  readonly entry?: EntryInfo;
}

export interface WatchOptions {
  readonly path: string;
  readonly recursive: boolean;
  readonly includeEntry: boolean;
}

export interface WatchListener {
  /** Return false to receive nothing more until `resume`. */
  change(change: Change): boolean;
  /** The directory is gone, or changes can no longer all be reported. */
  end(error?: RpcError): void;
}

interface Found {
  /** Relative to the root. */
  readonly path: string;
  readonly entry: Dirent;
}

const maxDirectories = 8192;
/** How many directories are entered before other work gets a turn. */
const directoriesPerTurn = 32;
const recordsPerTurn = 256;
const maxAnnounced = 10_000;

const changes =
  Bit.modify |
  Bit.attrib |
  Bit.movedFrom |
  Bit.movedTo |
  Bit.create |
  Bit.delete |
  Bit.onlyDirectory;
const rootMask = changes | Bit.deleteSelf | Bit.moveSelf;
const innerMask = changes | Bit.doNotFollow;

/** Reports changes in a directory, and in those below it when asked. */
export class DirectoryWatch {
  readonly #options: WatchOptions;
  readonly #listener: WatchListener;
  readonly #inotify: Inotify;
  /** Paths of watched directories relative to the root, which is the empty path. */
  readonly #directories = new Map<number, string>();
  /** What was found in new directories, by path, with the mark up to which the queue may still tell of its coming. */
  readonly #announced = new Map<string, number>();
  readonly #marks = new Map<number, readonly Found[]>();
  #isHeld = false;
  #isBusy = false;
  #isOver = false;

  /** Resolves when every change from now on will be reported. */
  static async open(options: WatchOptions, listener: WatchListener): Promise<DirectoryWatch> {
    const watch = new DirectoryWatch(options, listener);
    try {
      await watch.#enter("", false);
    } catch (error) {
      watch.close();
      throw toRpcError(error, options.path);
    }
    watch.#inotify.stream.on("data", (chunk: Buffer) =>
      background(watch.#take(chunk), warning("Watching a directory")),
    );
    watch.#inotify.stream.on("error", (error) =>
      watch.#end(new RpcError("internal", error.message)),
    );
    return watch;
  }

  private constructor(options: WatchOptions, listener: WatchListener) {
    this.#options = options;
    this.#listener = listener;
    try {
      this.#inotify = new Inotify();
    } catch (error) {
      throw toRpcError(error, options.path);
    }
  }

  /** Continues after `change` has returned false. */
  resume(): void {
    this.#isHeld = false;
    this.#flow();
  }

  close(): void {
    this.#isOver = true;
    this.#inotify.stream.destroy();
  }

  #flow(): void {
    if (this.#isOver) return;
    if (this.#isHeld || this.#isBusy) this.#inotify.stream.pause();
    else this.#inotify.stream.resume();
  }

  #end(error?: RpcError): void {
    if (this.#isOver) return;
    this.close();
    this.#listener.end(error);
  }

  async #take(chunk: Buffer): Promise<void> {
    this.#isBusy = true;
    this.#flow();
    try {
      let handled = 0;
      for (const record of parseRecords(chunk)) {
        if (this.#isOver) return;
        await this.#handle(record);
        if (++handled % recordsPerTurn === 0) await turn();
      }
    } catch (error) {
      this.#end(toRpcError(error, this.#options.path));
    }
    this.#isBusy = false;
    this.#flow();
  }

  /** Waits only if a directory has to be entered. */
  #handle({ watch, mask, name }: InotifyRecord): Promise<void> | undefined {
    if (mask & Bit.overflow)
      throw new RpcError("data_loss", "more happened than could be reported");
    const directory = this.#directories.get(watch);
    if (directory === undefined) return this.#passMark(watch);
    if (name === "") {
      this.#handleSelf(watch, directory, mask);
      return undefined;
    }
    const path = join(directory, name);
    const isDirectory = this.#options.recursive && (mask & Bit.isDirectory) !== 0;
    if (mask & (Bit.create | Bit.movedTo)) {
      if (!this.#announced.delete(path)) this.#report(path, "CREATE");
      return isDirectory ? this.#enter(path, true) : undefined;
    }
    if (mask & (Bit.movedFrom | Bit.delete)) this.#announced.delete(path);
    if (mask & Bit.movedFrom) {
      this.#report(path, "RENAME");
      if (isDirectory) this.#forget(path);
    }
    if (mask & Bit.attrib) this.#report(path, "CHMOD");
    if (mask & Bit.modify) this.#report(path, "WRITE");
    if (mask & Bit.delete) this.#report(path, "REMOVE");
    return undefined;
  }

  #handleSelf(watch: number, directory: string, mask: number): void {
    if (mask & Bit.ignored) this.#directories.delete(watch);
    if (directory !== "") return;
    if (mask & Bit.attrib) this.#report(".", "CHMOD");
    if (mask & Bit.moveSelf) this.#report(".", "RENAME");
    if (mask & Bit.deleteSelf) this.#report(".", "REMOVE");
    if (mask & (Bit.moveSelf | Bit.deleteSelf | Bit.unmount | Bit.ignored)) this.#end();
  }

  /** Watches a directory and, when asked, those below; `isNew` reports what is found in it. */
  async #enter(first: string, isNew: boolean): Promise<void> {
    const waiting = [first];
    while (waiting.length > 0 && !this.#isOver) {
      const found: Found[] = [];
      for (let entered = 0; waiting.length > 0 && entered < directoriesPerTurn; entered++) {
        const directory = waiting.pop()!;
        if (!this.#add(directory) || !this.#options.recursive) continue;
        for (const entry of readDirectory(join(this.#options.path, directory))) {
          const path = join(directory, entry.name);
          if (isNew) found.push({ path, entry });
          if (entry.isDirectory()) waiting.push(path);
        }
      }
      if (found.length > 0) this.#announce(found);
      if (waiting.length > 0) await turn();
    }
  }

  /** False if it no longer exists, or is watched already. */
  #add(directory: string): boolean {
    if (this.#directories.size >= maxDirectories)
      throw new RpcError("resource_exhausted", `more than ${maxDirectories} directories to watch`);
    try {
      const mask = directory === "" ? rootMask : innerMask;
      const watch = this.#inotify.add(join(this.#options.path, directory), mask);
      if (this.#directories.get(watch) === directory) return false;
      this.#directories.set(watch, directory);
      return true;
    } catch (error) {
      if (directory === "" || !isGone(error)) throw error;
      return false;
    }
  }

  /**
   * What happened to it before its directory was watched can only be told from what it is now. It may have come since:
   * then the queue tells of it too, before the mark. Whoever hears of it now sees what was there at the mark, or later.
   */
  #announce(found: readonly Found[]): void {
    const mark = this.#inotify.mark();
    if (this.#announced.size >= maxAnnounced) this.#announced.clear();
    this.#marks.set(mark, found);
    for (const { path } of found) this.#announced.set(path, mark);
    for (const { path, entry } of found) {
      this.#report(path, "CREATE");
      if (entry.isFile() && hasContent(join(this.#options.path, path))) this.#report(path, "WRITE");
    }
  }

  /** Everything before the mark has been told. */
  #passMark(mark: number): undefined {
    for (const { path } of this.#marks.get(mark) ?? [])
      if (this.#announced.get(path) === mark) this.#announced.delete(path);
    this.#marks.delete(mark);
  }

  /** What was moved away is no longer here, whatever becomes of it. */
  #forget(path: string): void {
    for (const [watch, directory] of this.#directories) {
      if (directory !== path && !directory.startsWith(`${path}/`)) continue;
      this.#directories.delete(watch);
      this.#inotify.remove(watch);
    }
  }

  #report(name: string, type: ChangeType): void {
    if (this.#isOver) return;
    const entry =
      this.#options.includeEntry && type !== "REMOVE" && type !== "RENAME"
        ? entryOf(join(this.#options.path, name))
        : undefined;
    const change = { name, type: `EVENT_TYPE_${type}` as const, ...(entry && { entry }) };
    if (!this.#listener.change(change)) this.#isHeld = true;
  }
}

function hasContent(path: string): boolean {
  try {
    return lstatSync(path).size > 0;
  } catch {
    // It is already gone, or what led to it is.
    return false;
  }
}

function entryOf(path: string): EntryInfo | undefined {
  try {
    return entryInfo(path);
  } catch {
    // It is already gone.
    return undefined;
  }
}

function readDirectory(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}

const noEntry = 2;
const tooManyFiles = 24;
const notDirectory = 20;
const noSpace = 28;

function isGone(error: unknown): boolean {
  return error instanceof InotifyError && [noEntry, notDirectory].includes(error.errno);
}

function toRpcError(error: unknown, path: string): RpcError {
  if (error instanceof RpcError) return error;
  if (!(error instanceof InotifyError)) return new RpcError("internal", String(error));
  switch (error.errno) {
    case noEntry:
      return new RpcError("not_found", `path '${path}' does not exist`);
    case notDirectory:
      return new RpcError("invalid_argument", `path '${path}' is not a directory`);
    case tooManyFiles:
    case noSpace:
      return new RpcError("resource_exhausted", "the kernel has no room for more watches");
    default:
      return new RpcError("internal", error.message);
  }
}
