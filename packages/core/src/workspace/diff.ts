import { type Change, shown } from "./compare.ts";
import type { Inside } from "./inside.ts";
import { editsBetween, hunksOf, linesOf } from "./lines.ts";
import { collectUpTo, type Originals, sha256 } from "./originals.ts";
import type { GuestEntry } from "./guest-answer.ts";
import { textOf } from "./paths.ts";
import type { FileDiff } from "./types.ts";

/** The longest text whose lines are compared, and the most that is read for one diff, in bytes. */
const MAX_TEXT = 1024 * 1024;
const MAX_ALL = 64 * 1024 * 1024;

type Side = Uint8Array | "too-long" | "unknown";

/** Compares the texts of changes, of which `room` says how much may still be read. */
export class Differ {
  readonly #inside: Inside;
  readonly #originals: Originals;
  #room = MAX_ALL;

  constructor(inside: Inside, originals: Originals) {
    this.#inside = inside;
    this.#originals = originals;
  }

  async diff(change: Change, refused: string | undefined, signal?: AbortSignal): Promise<FileDiff> {
    const head = shown(change, refused);
    const { kind, before, after } = change;
    if (kind === "renamed" || kind === "mode") return { ...head, hunks: [] };
    const was = await this.#side(before, (entry) => this.#originals.bytes(entry, MAX_TEXT, signal));
    const now = await this.#side(after, (entry) => this.#current(entry, signal));
    for (const side of [was, now])
      if (typeof side === "string") return { ...head, notShown: side, hunks: [] };
    const texts = [was as Uint8Array, now as Uint8Array].map(decoded);
    if (texts.includes(undefined)) return { ...head, notShown: "binary", hunks: [] };
    const [old, young] = texts.map((text) => linesOf(text!));
    return { ...head, hunks: hunksOf(editsBetween(old!, young!)) };
  }

  async #side(
    entry: GuestEntry | undefined,
    read: (entry: GuestEntry) => Promise<Uint8Array | undefined>,
  ): Promise<Side> {
    if (entry?.type === "symlink") return Buffer.from(textOf(entry.target!).toWellFormed());
    if (entry?.type !== "file") return Buffer.alloc(0);
    if (entry.size > MAX_TEXT || entry.size > this.#room) return "too-long";
    this.#room -= entry.size;
    return (await read(entry)) ?? "unknown";
  }

  /** What was not there any more as it was listed is not shown as something else. */
  async #current(entry: GuestEntry, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const bytes = await collectUpTo(this.#inside.read(entry.path, signal), entry.size);
    return bytes !== undefined && sha256(bytes) === entry.digest ? bytes : undefined;
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text of UTF-8 without NUL; nothing if it is something else. */
function decoded(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
