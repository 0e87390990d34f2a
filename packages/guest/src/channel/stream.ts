import { Duplex } from "node:stream";
import { INITIAL_WINDOW, MAX_PAYLOAD } from "./frames.ts";

/** What a stream needs of its session. */
export interface StreamPort {
  sendData(id: number, data: Buffer): void;
  sendEnd(id: number): void;
  sendReset(id: number): void;
  sendWindow(id: number, bytes: number): void;
  /** Calls back when the port takes more; at once when it does already. */
  whenWritable(callback: () => void): void;
  forget(id: number): void;
  /** Whether the stream is waited for changed. */
  hold(isHeld: boolean): void;
}

const GRANT_BYTES = INITIAL_WINDOW / 4;

/** One byte stream of a session, with credit-based flow control in both directions. */
export class ChannelStream extends Duplex {
  readonly id: number;
  bytesSent = 0;
  bytesReceived = 0;
  readonly #port: StreamPort;
  #sendCredit = INITIAL_WINDOW;
  #receiveCredit = INITIAL_WINDOW;
  #ungranted = 0;
  #full = false;
  #waiting: (() => void) | undefined;
  #ended = false;
  #resetByPeer = false;
  #isHeld = false;

  constructor(id: number, port: StreamPort) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.#port = port;
    this.#hold(true);
  }

  /** Takes a part of the peer's data. False when the peer sent more than it was granted. */
  receive(part: Buffer): boolean {
    this.#receiveCredit -= part.length;
    if (this.#receiveCredit < 0) return false;
    this.bytesReceived += part.length;
    if (this.destroyed) return true;
    this.#ungranted += part.length;
    this.#full = !this.push(part);
    if (!this.#full) this.#grant();
    return true;
  }

  receiveEnd(): void {
    this.#ended = true;
    if (!this.destroyed) this.push(null);
    // With nothing to read, `end` would never come.
    this.read(0);
  }

  receiveReset(reason: Error): void {
    if (!this.#ended || this.readableEnded) return this.abandon(reason);
    // All of its data is here, and may not have been read yet.
    this.#resetByPeer = true;
    this.once("end", () => this.destroy());
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  /** Ends without a word to the peer. */
  abandon(reason: Error): void {
    this.#resetByPeer = true;
    this.destroy(reason);
  }

  /** False when the peer granted more than can be meant. */
  receiveWindow(bytes: number): boolean {
    this.#sendCredit += bytes;
    if (this.#sendCredit > 2 ** 31) return false;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
    return true;
  }

  override _read(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#grant();
  }

  #grant(): void {
    if (this.#ungranted < GRANT_BYTES || this.#ended) return;
    this.#port.sendWindow(this.id, this.#ungranted);
    this.#receiveCredit += this.#ungranted;
    this.#ungranted = 0;
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    if (this.#resetByPeer) return callback();
    const bytes = Math.min(chunk.length, this.#sendCredit, MAX_PAYLOAD);
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

  override _final(callback: () => void): void {
    if (!this.#resetByPeer) this.#port.sendEnd(this.id);
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.#resetByPeer && !(this.#ended && this.writableFinished))
      this.#port.sendReset(this.id);
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

  // What HTTP libraries call on the socket that this stands for.
  ref(): this {
    if (!this.destroyed) this.#hold(true);
    return this;
  }
  unref(): this {
    this.#hold(false);
    return this;
  }
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
}
