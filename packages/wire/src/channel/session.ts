import type { Duplex } from "node:stream";
import { type Bulk, BULK_BYTES, BULK_SLOTS, Slots } from "./bulk.ts";
import {
  createFrameParser,
  frame,
  frameKinds,
  type FrameSink,
  HEADER_BYTES,
  MAX_GREETING,
  MAX_PAYLOAD,
  sessionMark,
} from "./frames.ts";
import { ChannelStream } from "./stream.ts";
import { Turn } from "./turn.ts";

/** A session's port, and what is called as it proceeds. */
export interface SessionOptions {
  /** The virtio-serial port. */
  readonly port: Duplex;
  /** Adds to a chunk whatever else can be read at once. */
  readonly gather?: (chunk: Buffer) => Buffer;
  /** A faster way for much data. @default all of it goes through the port */
  readonly bulk?: Bulk | undefined;
  /** First id of the streams that this side opens: 1 on the host, 2 in the guest. */
  readonly firstStream: 1 | 2;
  /** The other side said `hello`; a session begins. */
  readonly onHello: (payload: Buffer) => void;
  /** The other side opened a stream to a port, of a host if it named one. Return false to refuse it. */
  readonly onStream: (stream: ChannelStream, port: number, host: string) => boolean;
  /** The other side asked this one to stand still, or agreed to. */
  readonly onFreeze?: (payload: Buffer) => void;
  /** The session continues after `onFreeze`, whether it was already held or not. */
  readonly onThaw?: (payload: Buffer) => void;
  /** Called when it changes whether anything is waited for: an answer to `hello`, or a stream in use. */
  readonly onBusy?: (isBusy: boolean) => void;
  /** The other side broke the protocol, or the port ended; the session cannot go on. */
  readonly onBroken: (error: Error) => void;
}

/** How many streams opened by the other side may exist at once. */
const MAX_STREAMS = 1024;
/** A host's name is at most 253 bytes long. */
const MAX_HOST_BYTES = 253;
/** Unsent bytes, or writes, at which the other side is assumed to have stopped reading. */
const MAX_UNSENT = 64 * 1024 * 1024;
const MAX_UNSENT_WRITES = 65_536;
/** Bytes of all streams together that may wait for their readers. */
export const MAX_KEPT: number = 64 * 1024 * 1024;
/** Longest data that is copied behind its header: in the guest, each write to the device takes at most 32 KiB. */
const JOINED_BYTES = 32 * 1024 - HEADER_BYTES;
/** How long splitting frames may take in one turn of the event loop, in ms; as much time then belongs to others. */
const PARSING_MS = 4;

/** What has come from the other side, by kind of frame. */
export interface Received {
  bytes: number;
  readonly frames: Record<keyof typeof frameKinds, number>;
}

const kindNames = Object.keys(frameKinds) as (keyof typeof frameKinds)[];

/** Many byte streams over one virtio-serial port. */
export class Session {
  readonly #options: SessionOptions;
  readonly #port: Duplex;
  readonly #streams: Map<number, ChannelStream> = new Map();
  /** What has come from the other side so far; keeps counting. */
  readonly received: Received = {
    bytes: 0,
    frames: {
      ...{ hello: 0, open: 0, data: 0, end: 0, reset: 0, window: 0, freeze: 0, thaw: 0 },
      ...{ bulk: 0, taken: 0 },
    },
  };
  /** A host has other guests to serve; a guest has one host, which it trusts. */
  readonly #turn: Turn | undefined;
  #slots = new Slots();
  #kept = 0;
  #parsing = 0;
  #parsingIn = 0;
  #nextStream: number;
  #peerStreams = 0;
  #parse: ((chunk: Buffer) => void) | undefined;
  #marked = 0;
  #greeted = false;
  #inUse = 0;
  /** What is to be written after the session was held. */
  #unsent: Uint8Array[] | undefined;
  #unsentBytes = 0;
  /** Writes since the port last took everything. */
  #unsentWrites = 0;
  /** The guest stands still, and does not know yet whether the session will continue. */
  #isUndecided = false;
  #broken: Error | undefined;
  #writable: (() => void)[] = [];

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#nextStream = options.firstStream;
    this.#turn = options.firstStream === 1 ? new Turn() : undefined;
    const { gather } = options;
    this.#port.on("data", (chunk: Buffer) =>
      this.#receive(gather === undefined ? chunk : gather(chunk)),
    );
    this.#port.on("drain", () => this.#drained());
    this.#port.on("error", (error) => this.#break(error));
    // It has a code, like an error of the port's own: nobody broke the protocol.
    const closed = Object.assign(new Error("the channel was closed"), { code: "ECONNRESET" });
    this.#port.on("close", () => this.#break(closed));
  }

  /** Begins the session from this side, or says hello again in the current one. */
  hello(payload: Uint8Array): void {
    if (!this.#greeted) this.#port.write(sessionMark);
    this.#greeted = true;
    this.#write(frame(frameKinds.hello, 0, payload));
  }

  /** Opens a byte stream to a port of the other side, or of a host that the other side can reach. */
  open(port: number, host: string = ""): ChannelStream {
    if (this.#broken) throw this.#broken;
    const id = this.#nextStream;
    this.#nextStream += 2;
    const payload = Buffer.from(`\0\0${host}`);
    payload.writeUInt16BE(port);
    this.#write(frame(frameKinds.open, id, payload));
    return this.#addStream(id);
  }

  /** Asks the other side to stand still, or agrees to; nothing more is written until the session continues. */
  hold(flags = 0): void {
    this.#write(frame(frameKinds.freeze, 0, Buffer.of(flags)));
    this.#unsent = [];
    this.#isUndecided = this.#options.firstStream === 2;
  }

  /** Continues, on both sides, as if nothing had happened. The host tells the guest what it missed. */
  thaw(payload?: Uint8Array): void {
    const unsent = this.#unsent ?? [];
    this.#unsent = undefined;
    this.#unsentBytes = 0;
    if (this.#options.firstStream === 1) this.#write(frame(frameKinds.thaw, 0, payload));
    for (const bytes of unsent) this.#write(bytes);
  }

  /** Drops every stream without telling the other side. */
  forgetAll(reason: Error): void {
    for (const stream of this.#streams.values()) stream.abandon(reason);
    this.#streams.clear();
    this.#peerStreams = 0;
  }

  #addStream(id: number): ChannelStream {
    const stream = new ChannelStream(id, {
      sendData: (streamId, data) => this.#sendData(streamId, data),
      capacity: () => (this.#options.bulk && this.#slots.hasFree ? BULK_BYTES : MAX_PAYLOAD),
      sendEnd: (streamId) => this.#write(frame(frameKinds.end, streamId)),
      sendReset: (streamId) => this.#write(frame(frameKinds.reset, streamId)),
      sendWindow: (streamId, bytes) => {
        const payload = Buffer.allocUnsafe(4);
        payload.writeUInt32BE(bytes);
        this.#write(frame(frameKinds.window, streamId, payload));
      },
      whenWritable: (callback) => {
        if (this.#port.writableNeedDrain) this.#writable.push(callback);
        else callback();
      },
      hold: (isHeld) => this.#hold(isHeld),
      turn: this.#turn,
      keep: (bytes) => {
        if (bytes > 0 && this.#kept + bytes > MAX_KEPT) return false;
        this.#kept += bytes;
        return true;
      },
      forget: (streamId) => {
        if (this.#streams.delete(streamId) && this.#isPeers(streamId)) this.#peerStreams--;
      },
    });
    // Whoever uses the stream handles its errors; without a listener they would end the process.
    stream.on("error", () => {});
    this.#streams.set(id, stream);
    return stream;
  }

  #hold(isHeld: boolean): void {
    this.#inUse += isHeld ? 1 : -1;
    if (this.#inUse === (isHeld ? 1 : 0)) this.#options.onBusy?.(isHeld);
  }

  #isPeers(id: number): boolean {
    return id % 2 !== this.#options.firstStream % 2;
  }

  #sendData(id: number, data: Buffer): void {
    if (data.length <= JOINED_BYTES) return this.#write(frame(frameKinds.data, id, data));
    if (this.#sendBulk(id, data)) return;
    if (data.length > MAX_PAYLOAD) {
      this.#sendData(id, data.subarray(0, MAX_PAYLOAD));
      return this.#sendData(id, data.subarray(MAX_PAYLOAD));
    }
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header[0] = frameKinds.data;
    header.writeUInt32BE(id, 1);
    header.writeUInt32BE(data.length, 5);
    this.#port.cork();
    this.#write(header);
    this.#write(data);
    this.#port.uncork();
  }

  #sendBulk(id: number, data: Buffer): boolean {
    const { bulk } = this.#options;
    const slot = bulk && this.#slots.use();
    if (slot === undefined) return false;
    if (!bulk!.put(slot, data)) {
      this.#slots.release(slot);
      return false;
    }
    const payload = Buffer.allocUnsafe(5);
    payload[0] = slot;
    payload.writeUInt32BE(data.length, 1);
    this.#write(frame(frameKinds.bulk, id, payload));
    return true;
  }

  #write(bytes: Uint8Array): void {
    if (this.#broken) return;
    if (this.#unsent === undefined) this.#port.write(bytes);
    else {
      this.#unsent.push(bytes);
      this.#unsentBytes += bytes.length;
    }
    const isWaiting = this.#unsent !== undefined || this.#port.writableNeedDrain;
    this.#unsentWrites = isWaiting ? this.#unsentWrites + 1 : 0;
    const unsent = this.#port.writableLength + this.#unsentBytes;
    if (unsent > MAX_UNSENT || this.#unsentWrites > MAX_UNSENT_WRITES)
      this.#break(new Error("the other side stopped reading"));
  }

  #drained(): void {
    const callbacks = this.#writable;
    this.#writable = [];
    for (const callback of callbacks) {
      if (this.#port.writableNeedDrain) this.#writable.push(callback);
      else callback();
    }
  }

  #receive(chunk: Buffer): void {
    // A destroyed port still delivers what it had read.
    if (this.#broken) return;
    this.received.bytes += chunk.length;
    let rest = chunk;
    if (this.#isUndecided) {
      this.#isUndecided = false;
      if (chunk[0] !== frameKinds.thaw) this.#forgetSession();
    }
    if (this.#parse === undefined) {
      const at = this.#skipToMark(rest);
      if (at < 0) return;
      rest = rest.subarray(at);
      const sink: FrameSink = {
        begin: (kind) => {
          const name = kindNames[kind];
          if (name !== undefined) this.received.frames[name]++;
        },
        data: (id, part) => this.#onData(id, part),
        control: (kind, id, payload) => this.#onControl(kind, id, payload),
      };
      // A guest trusts its host.
      const isGuest = this.#options.firstStream === 2;
      this.#parse = createFrameParser(sink, isGuest ? MAX_GREETING : MAX_PAYLOAD);
    }
    const startedAt = performance.now();
    try {
      this.#parse(rest);
    } catch (error) {
      this.#break(error as Error);
    }
    if (this.#turn !== undefined) this.#share(this.#turn, performance.now() - startedAt);
  }

  /** A sender whose data takes long to read waits just as long before more of it is read. */
  #share(turn: Turn, spent: number): void {
    turn.hasTime();
    if (turn.number !== this.#parsingIn) this.#parsing = 0;
    this.#parsingIn = turn.number;
    this.#parsing += spent;
    if (this.#parsing < PARSING_MS || this.#broken || this.#port.isPaused()) return;
    this.#port.pause();
    setTimeout(() => this.#port.resume(), this.#parsing);
  }

  /** This is a copy of the machine whose session was held: a new session begins here. */
  #forgetSession(): void {
    this.forgetAll(new Error("the machine was copied"));
    this.#parse = undefined;
    this.#greeted = false;
    this.#slots = new Slots();
    this.#unsent = undefined;
    this.#unsentBytes = 0;
  }

  /** Where the bytes after the mark begin, or -1 until the whole mark has been seen. */
  #skipToMark(chunk: Buffer): number {
    for (let at = 0; at < chunk.length; at++) {
      if (chunk[at] === sessionMark[this.#marked]) this.#marked++;
      else this.#marked = chunk[at] === sessionMark[0] ? 1 : 0;
      if (this.#marked === sessionMark.length) {
        this.#marked = 0;
        return at + 1;
      }
    }
    return -1;
  }

  #onData(id: number, part: Buffer): void {
    // Data for a stream that was just closed here may still be in flight; it is not an error.
    if (this.#streams.get(id)?.receive(part) === false)
      throw new Error(`stream ${id} got more data than was granted`);
  }

  #onControl(kind: number, id: number, payload: Buffer): void {
    const stream = this.#streams.get(id);
    if (kind === frameKinds.hello) return this.#options.onHello(payload);
    if (kind === frameKinds.open) return this.#onOpen(id, payload);
    if (kind === frameKinds.end) return stream?.receiveEnd();
    if (kind === frameKinds.reset)
      return stream?.receiveReset(new Error("the other side closed the stream"));
    if (kind === frameKinds.window) {
      if (payload.length !== 4) throw new Error("a window frame without its size");
      if (stream?.receiveWindow(payload.readUInt32BE()) === false)
        throw new Error(`stream ${id} was granted too much`);
      return;
    }
    if (kind === frameKinds.bulk) return this.#onBulk(id, payload);
    if (kind === frameKinds.taken) {
      if (payload.length !== 1 || !this.#slots.release(payload[0]!))
        throw new Error("a slot was taken that had nothing");
      return;
    }
    if (kind === frameKinds.freeze) return this.#options.onFreeze?.(payload);
    if (kind === frameKinds.thaw && this.#options.firstStream === 2) {
      this.thaw();
      return this.#options.onThaw?.(payload);
    }
    throw new Error(`a frame of the unknown kind ${kind}`);
  }

  #onBulk(id: number, payload: Buffer): void {
    const { bulk } = this.#options;
    const slot = payload.length === 5 ? payload[0]! : BULK_SLOTS;
    const bytes = payload.length === 5 ? payload.readUInt32BE(1) : 0;
    if (bulk === undefined || slot >= BULK_SLOTS || bytes === 0 || bytes > BULK_BYTES)
      throw new Error("a bulk frame without a slot that has its data");
    // Nothing is read that nobody wants: a few bytes would cost a copy of many.
    const stream = this.#streams.get(id);
    if (stream !== undefined) {
      if (!stream.mayReceive(bytes)) throw new Error(`stream ${id} got more data than was granted`);
      this.received.bytes += bytes;
      this.#onData(id, bulk.take(slot, bytes));
    }
    this.#write(frame(frameKinds.taken, 0, Buffer.of(slot)));
  }

  #onOpen(id: number, payload: Buffer): void {
    const hasWrongSize = payload.length < 2 || payload.length > 2 + MAX_HOST_BYTES;
    if (hasWrongSize || !this.#isPeers(id) || this.#streams.has(id))
      throw new Error("a stream was opened wrongly");
    if (this.#peerStreams >= MAX_STREAMS) return this.#write(frame(frameKinds.reset, id));
    this.#peerStreams++;
    const stream = this.#addStream(id);
    const host = payload.toString("utf8", 2);
    if (!this.#options.onStream(stream, payload.readUInt16BE(), host)) stream.destroy();
  }

  #break(error: Error): void {
    if (this.#broken) return;
    this.#broken = error;
    this.forgetAll(error);
    this.#port.destroy();
    this.#options.onBroken(error);
  }
}
