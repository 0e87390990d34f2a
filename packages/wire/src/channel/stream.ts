import { Duplex } from "node:stream";
import { BULK_BYTES } from "./bulk.ts";
import { INITIAL_WINDOW } from "./frames.ts";
import { HeldBytes, ownBytes } from "./held-bytes.ts";
import type { Turn } from "./turn.ts";

/** What a stream needs from its session. */
export interface StreamPort {
  /** Sends at most as much as `capacity` says. */
  sendData(id: number, data: Buffer): void;
  /** How much can be sent at once, in bytes. */
  capacity(): number;
  sendEnd(id: number): void;
  sendReset(id: number): void;
  sendWindow(id: number, bytes: number): void;
  /** Calls back when the port accepts more; at once if it does already. */
  whenWritable(callback: () => void): void;
  forget(id: number): void;
  /** Reports that this many bytes more, or fewer, wait for this stream's reader. False when they are too many. */
  keep(bytes: number): boolean;
  /** Shares the event loop with other sessions; absent on a side that serves one session only. */
  readonly turn: Turn | undefined;
  /** Reports whether the stream is in use, and so waited for. */
  hold(isHeld: boolean): void;
}

const GRANT_BYTES = INITIAL_WINDOW / 4;
/** Most bytes that a reader is handed at once; fewer if it takes long over them. */
const MAX_PIECE = BULK_BYTES;
const MIN_PIECE = 4096;
/** How long a reader may take over a piece, in ms. */
const PIECE_MS = 2;

/** One byte stream of a session, with credit-based flow control in both directions. */
export class ChannelStream extends Duplex {
  readonly id: number;
  bytesSent = 0;
  bytesReceived = 0;
  readonly #port: StreamPort;
  #sendCredit = INITIAL_WINDOW;
  #receiveCredit = INITIAL_WINDOW;
  #ungranted = 0;
  readonly #held = new HeldBytes();
  /** The reader has asked for more than there was. */
  #isAsked = false;
  #isDeferred = false;
  /** Bytes that were handed over last, when, and in which turn. */
  #handed = 0;
  #handedAt = 0;
  #handedIn = 0;
  #piece = MAX_PIECE;
  #waiting: (() => void) | undefined;
  #ended = false;
  #resetByPeer = false;
  #isHeld = false;

  constructor(id: number, port: StreamPort) {
    // What the reader has not asked for waits in `#held`, where it costs no more than its bytes.
    super({ allowHalfOpen: true, readableHighWaterMark: 1 });
    this.id = id;
    this.#port = port;
    this.#hold(true);
  }

  /** Whether the peer may send this many bytes more. */
  mayReceive(bytes: number): boolean {
    return bytes <= this.#receiveCredit;
  }

  /** Takes a part of the peer's data. False when the peer sent more than it was granted. */
  receive(part: Buffer): boolean {
    this.#receiveCredit -= part.length;
    if (this.#receiveCredit < 0) return false;
    this.bytesReceived += part.length;
    if (this.destroyed || this.#ended) return true;
    if (!this.#port.keep(part.length)) {
      this.destroy(new Error("more waits to be read from the sandbox than is kept"));
      return true;
    }
    const { turn } = this.#port;
    if (this.#isAsked && this.#held.length === 0 && turn?.hasTime() !== false) {
      this.#hand(ownBytes(part));
    } else {
      this.#held.push(part);
      if (this.#isAsked) this.#give();
    }
    return true;
  }

  /** The peer sends no more data. */
  receiveEnd(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.destroyed && this.#held.length === 0) this.push(null);
    // Without a read, `end` would never be emitted.
    this.read(0);
  }

  /** The peer reset the stream. */
  receiveReset(reason: Error): void {
    if (!this.#ended || this.readableEnded) return this.abandon(reason);
    // All of its data is here, but may not have been read yet.
    this.#resetByPeer = true;
    this.once("end", () => this.destroy());
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  /** Ends without telling the peer. */
  abandon(reason: Error): void {
    this.#resetByPeer = true;
    this.destroy(reason);
  }

  /** False when the peer granted an absurd amount. */
  receiveWindow(bytes: number): boolean {
    this.#sendCredit += bytes;
    if (this.#sendCredit > 2 ** 31) return false;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
    return true;
  }

  /** @internal */
  override _read(): void {
    this.#taken();
    if (this.#held.length === 0) this.#isAsked = true;
    else this.#give();
  }

  /** Hands over what waits, in this turn of the event loop or the next. */
  #give(): void {
    const { turn } = this.#port;
    if (turn !== undefined && !turn.hasTime()) {
      if (!this.#isDeferred) turn.next(() => this.#giveDeferred());
      this.#isDeferred = true;
      return;
    }
    const piece = this.#held.shift(this.#piece);
    if (piece !== undefined) this.#hand(piece);
    if (this.#held.length === 0 && this.#ended && !this.destroyed) this.push(null);
  }

  #giveDeferred(): void {
    this.#isDeferred = false;
    if (!this.destroyed) this.#give();
  }

  #hand(piece: Buffer): void {
    this.#isAsked = false;
    this.#handed += piece.length;
    if (this.#port.turn !== undefined) {
      this.#port.turn.hasTime();
      this.#handedIn = this.#port.turn.number;
      this.#handedAt = performance.now();
    }
    this.#ungranted += piece.length;
    this.push(piece);
  }

  /** The reader has taken what it was handed. */
  #taken(): void {
    if (this.#handed === 0) return;
    this.#port.keep(-this.#handed);
    this.#handed = 0;
    if (this.#handedIn === this.#port.turn?.number) {
      const isSlow = performance.now() - this.#handedAt > PIECE_MS;
      this.#piece = isSlow
        ? Math.max(MIN_PIECE, this.#piece / 4)
        : Math.min(MAX_PIECE, this.#piece * 2);
    }
    this.#grant();
  }

  #grant(): void {
    if (this.#ungranted < GRANT_BYTES || this.#ended) return;
    const granted = this.#ungranted;
    this.#ungranted = 0;
    // First, as the peer may use it while it is being told.
    this.#receiveCredit += granted;
    this.#port.sendWindow(this.id, granted);
  }

  /** @internal */
  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    if (this.#resetByPeer) return callback();
    const bytes = Math.min(chunk.length, this.#sendCredit, this.#port.capacity());
    if (bytes > 0) {
      this.#sendCredit -= bytes;
      this.bytesSent += bytes;
      this.#port.sendData(this.id, bytes === chunk.length ? chunk : chunk.subarray(0, bytes));
    }
    if (bytes === chunk.length) return this.#port.whenWritable(callback);
    const rest = (): void => this._write(chunk.subarray(bytes), _encoding, callback);
    if (this.#sendCredit > 0) this.#port.whenWritable(rest);
    else this.#waiting = rest;
  }

  /**
   * The pieces of an HTTP answer become one frame: each frame costs the device a round.
   *
   * @internal
   */
  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    const all = Buffer.concat(chunks.map(({ chunk }) => chunk));
    this._write(all, "buffer" as BufferEncoding, callback);
  }

  /** @internal */
  override _final(callback: () => void): void {
    if (!this.#resetByPeer) this.#port.sendEnd(this.id);
    callback();
  }

  /** @internal */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.#resetByPeer && !(this.#ended && this.writableFinished))
      this.#port.sendReset(this.id);
    this.#port.keep(-this.#handed - this.#held.length);
    this.#handed = 0;
    this.#held.clear();
    this.#port.forget(this.id);
    this.#hold(false);
    this.#waiting = undefined;
    callback(error);
  }

  #hold(isHeld: boolean): void {
    if (this.#isHeld === isHeld) return;
    this.#isHeld = isHeld;
    this.#port.hold(isHeld);
  }

  // The following are what HTTP libraries call on the socket that this stands in for.

  /** Lets the stream keep the program running, as it does from the start. */
  ref(): this {
    if (!this.destroyed) this.#hold(true);
    return this;
  }

  /** Lets the program end although the stream is open. */
  unref(): this {
    this.#hold(false);
    return this;
  }

  /** Does nothing: whoever uses a stream has time limits of their own. */
  setTimeout(): this {
    return this;
  }

  /** Does nothing: nothing is delayed. */
  setNoDelay(): this {
    return this;
  }

  /** Does nothing: both ends are on one machine. */
  setKeepAlive(): this {
    return this;
  }
}
