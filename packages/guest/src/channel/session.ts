import type { Duplex } from "node:stream";
import { createFrameParser, frame, frameKinds, HEADER_BYTES, sessionMark } from "./frames.ts";
import { ChannelStream } from "./stream.ts";

export interface SessionOptions {
  /** The virtio-serial port. */
  readonly port: Duplex;
  /** Adds to a chunk what else can be read at once. */
  readonly gather?: (chunk: Buffer) => Buffer;
  /** First id of the streams that this side opens: 1 on the host, 2 in the guest. */
  readonly firstStream: 1 | 2;
  /** The other side said `hello`; a session begins. */
  readonly onHello: (payload: Buffer) => void;
  /** The other side opened a stream. Return false to refuse it. */
  readonly onStream: (stream: ChannelStream, port: number) => boolean;
  /** The other side asked to end the session. */
  readonly onFreeze?: () => void;
  /** Whether anything is waited for changed: an answer to `hello`, or a stream that is in use. */
  readonly onBusy?: (isBusy: boolean) => void;
  /** The other side broke the protocol, or the port ended; the session cannot go on. */
  readonly onBroken: (error: Error) => void;
}

/** Streams at once that the other side may have opened. */
const MAX_STREAMS = 1024;
/** Unsent bytes at which the other side is taken to have stopped reading. */
const MAX_UNSENT = 64 * 1024 * 1024;

/** Many byte streams over one virtio-serial port. */
export class Session {
  readonly #options: SessionOptions;
  readonly #port: Duplex;
  readonly #streams: Map<number, ChannelStream> = new Map();
  #nextStream: number;
  #peerStreams = 0;
  #parse: ((chunk: Buffer) => void) | undefined;
  #marked = 0;
  #greeted = false;
  #held = 0;
  #broken: Error | undefined;
  #writable: (() => void)[] = [];

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#nextStream = options.firstStream;
    const { gather } = options;
    this.#port.on("data", (chunk: Buffer) =>
      this.#receive(gather === undefined ? chunk : gather(chunk)),
    );
    this.#port.on("drain", () => this.#drained());
    this.#port.on("error", (error) => this.#break(error));
    this.#port.on("close", () => this.#break(new Error("the channel was closed")));
  }

  /** Begins the session from this side, or says hello again in the session there is. */
  hello(payload: Uint8Array): void {
    if (!this.#greeted) this.#port.write(sessionMark);
    this.#greeted = true;
    this.#write(frame(frameKinds.hello, 0, payload));
  }

  /** Opens a byte stream to a port of the other side. */
  open(port: number): ChannelStream {
    if (this.#broken) throw this.#broken;
    const id = this.#nextStream;
    this.#nextStream += 2;
    const payload = Buffer.allocUnsafe(2);
    payload.writeUInt16BE(port);
    this.#write(frame(frameKinds.open, id, payload));
    return this.#addStream(id);
  }

  /** Asks the other side to end the session, or agrees to it; nothing is written after this. */
  freeze(): void {
    this.#write(frame(frameKinds.freeze, 0));
    this.forgetAll(new Error("the session was frozen"));
    this.#greeted = false;
  }

  /** Drops every stream without a word to the other side. */
  forgetAll(reason: Error): void {
    for (const stream of this.#streams.values()) stream.receiveReset(reason);
    this.#streams.clear();
    this.#peerStreams = 0;
  }

  #addStream(id: number): ChannelStream {
    const stream = new ChannelStream(id, {
      sendData: (streamId, data) => this.#sendData(streamId, data),
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
      forget: (streamId) => {
        if (this.#streams.delete(streamId) && this.#isPeers(streamId)) this.#peerStreams--;
      },
    });
    // Whoever uses the stream hears of its errors; without a listener they would end the process.
    stream.on("error", () => {});
    this.#streams.set(id, stream);
    return stream;
  }

  #hold(isHeld: boolean): void {
    this.#held += isHeld ? 1 : -1;
    if (this.#held === (isHeld ? 1 : 0)) this.#options.onBusy?.(isHeld);
  }

  #isPeers(id: number): boolean {
    return id % 2 !== this.#options.firstStream % 2;
  }

  #sendData(id: number, data: Buffer): void {
    if (data.length <= 4096) return this.#write(frame(frameKinds.data, id, data));
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header[0] = frameKinds.data;
    header.writeUInt32BE(id, 1);
    header.writeUInt32BE(data.length, 5);
    this.#port.cork();
    this.#write(header);
    this.#write(data);
    this.#port.uncork();
  }

  #write(bytes: Uint8Array): void {
    if (this.#broken) return;
    this.#port.write(bytes);
    if (this.#port.writableLength > MAX_UNSENT)
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
    let rest = chunk;
    if (this.#parse === undefined) {
      const at = this.#skipToMark(rest);
      if (at < 0) return;
      rest = rest.subarray(at);
      this.#parse = createFrameParser({
        data: (id, part) => this.#onData(id, part),
        control: (kind, id, payload) => this.#onControl(kind, id, payload),
      });
    }
    try {
      this.#parse(rest);
    } catch (error) {
      this.#break(error as Error);
    }
  }

  /** Where the bytes after the mark begin, or -1 while the mark has not been seen whole. */
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
    // Data for a stream that was just closed here is still on its way; it is not an error.
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
    if (kind === frameKinds.freeze) {
      this.#parse = undefined;
      this.forgetAll(new Error("the session was frozen"));
      return this.#options.onFreeze?.();
    }
    throw new Error(`a frame of the unknown kind ${kind}`);
  }

  #onOpen(id: number, payload: Buffer): void {
    if (payload.length !== 2 || !this.#isPeers(id) || this.#streams.has(id))
      throw new Error("a stream was opened wrongly");
    if (this.#peerStreams >= MAX_STREAMS) return this.#write(frame(frameKinds.reset, id));
    this.#peerStreams++;
    const stream = this.#addStream(id);
    if (!this.#options.onStream(stream, payload.readUInt16BE())) stream.destroy();
  }

  #break(error: Error): void {
    if (this.#broken) return;
    this.#broken = error;
    this.forgetAll(error);
    this.#port.destroy();
    this.#options.onBroken(error);
  }
}
