import type { Logger } from "pino";
import type { Store } from "../store.ts";
import { type Line, linesOf } from "./lines.ts";
import { MOST_BYTES, MOST_PIECES, type Piece } from "./output-rows.ts";

const SAVED_EVERY_MS = 10_000;

interface Pending {
  readonly pieces: Piece[];
  bytes: number;
}

/**
 * What was told of sandboxes, bounded for each. Pieces are kept as they come, and saved a few seconds later: whoever
 * prints much does not wait for the disk, nor for anybody to read it.
 */
export class Output {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #pending = new Map<string, Pending>();
  readonly #timer: NodeJS.Timeout;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
    this.#timer = setInterval(() => this.#saveSoon(), SAVED_EVERY_MS).unref();
  }

  keep(sandboxId: string, piece: Piece): void {
    let pending = this.#pending.get(sandboxId);
    if (pending === undefined) this.#pending.set(sandboxId, (pending = { pieces: [], bytes: 0 }));
    pending.pieces.push(piece);
    pending.bytes += piece.data.length;
    while (pending.bytes > MOST_BYTES || pending.pieces.length > MOST_PIECES)
      pending.bytes -= pending.pieces.shift()!.data.length;
  }

  /** Keeps words of the server's own. */
  note(sandboxId: string, words: string): void {
    const data = Buffer.from(words);
    this.keep(sandboxId, { at: Date.now(), kind: "system", source: 0, pid: null, data });
  }

  /** Oldest first. `isOver`: nothing more comes, so that lines without an end are told as well. */
  read(sandboxId: string, isOver: boolean): Line[] {
    this.save();
    return linesOf(this.#store.output.read(sandboxId), isOver);
  }

  save(): void {
    if (this.#pending.size === 0) return;
    this.#store.transaction(() => {
      for (const [sandboxId, { pieces }] of this.#pending)
        if (this.#store.get(sandboxId) !== undefined) this.#store.output.add(sandboxId, pieces);
    });
    this.#pending.clear();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#saveSoon();
  }

  #saveSoon(): void {
    try {
      this.save();
    } catch (error) {
      this.#log.error({ err: error }, "what sandboxes printed could not be saved");
    }
  }
}
