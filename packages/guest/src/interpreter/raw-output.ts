import type { Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";
import type { KernelListener } from "./language.ts";
import { textLine } from "./lines.ts";

/** Characters of output kept while nothing runs, for the next execution. */
const LATE_LIMIT = 64 * 1024;
/**
 * From a program that writes fast, this much is gathered before it is sent: characters, or what arrived in this many
 * ms. Under emulation, sending takes several itself.
 */
const GATHER_CHARACTERS = 64 * 1024;
const GATHER_MS = 20;
/** Bytes that may still be in the pipes when an execution ends. */
const IN_PIPES = 2 * 64 * 1024;
const QUIET_TURNS = 3;

/** How many characters of it go into a message. */
const LAST_WORDS = 1000;

type StreamName = "stdout" | "stderr";

interface Stream {
  readonly name: StreamName;
  readonly socket: Socket;
  decoder: StringDecoder;
}

/** What a kernel's process and its children write to descriptors 1 and 2; the agent reads it. */
export class RawOutput {
  readonly #streams: readonly Stream[];
  #listener: KernelListener | undefined;
  #late: [StreamName, string][] = [];
  #lateSize = 0;
  #bytes = 0;
  #pending = "";
  #pendingName: StreamName = "stdout";
  #lastSent = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(stdout: Socket, stderr: Socket) {
    this.#streams = [this.#read("stdout", stdout), this.#read("stderr", stderr)];
  }

  /** From now on, output belongs to an execution. */
  begin(listener: KernelListener): void {
    this.#listener = listener;
    for (const [name, text] of this.#late) listener.output(textLine(name, text));
    this.discard();
  }

  /** Calls back when everything that was written before now has been handed over. */
  end(done: () => void): void {
    this.resume();
    const before = this.#bytes;
    // One turn of the loop starts reading again, and another may have looked at the pipes already. What is left running
    // in the background may go on writing for ever.
    const turn = (quiet: number, seen: number): void => {
      const bytes = this.#bytes;
      if (quiet < QUIET_TURNS && bytes - before <= IN_PIPES)
        return void setImmediate(() => turn(bytes === seen ? quiet + 1 : 0, bytes));
      for (const stream of this.#streams) this.#complete(stream);
      this.#send();
      this.#listener = undefined;
      done();
    };
    turn(0, before);
  }

  /** The end of the output that nobody has received yet. */
  lastWords(): string {
    return this.#late
      .map(([, text]) => text)
      .join("")
      .trim()
      .slice(-LAST_WORDS);
  }

  discard(): void {
    this.#late = [];
    this.#lateSize = 0;
  }

  pause(): void {
    for (const { socket } of this.#streams) socket.pause();
  }

  resume(): void {
    for (const { socket } of this.#streams) socket.resume();
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { socket } of this.#streams) socket.destroy();
  }

  #read(name: StreamName, socket: Socket): Stream {
    const stream = { name, socket, decoder: new StringDecoder("utf8") };
    socket.on("data", (chunk: Buffer) => {
      this.#bytes += chunk.length;
      this.#take(name, stream.decoder.write(chunk));
    });
    return stream;
  }

  /** A character of which only the beginning arrived is not continued by the next execution. */
  #complete(stream: Stream): void {
    const rest = stream.decoder.end();
    stream.decoder = new StringDecoder("utf8");
    this.#take(stream.name, rest);
  }

  #take(name: StreamName, text: string): void {
    if (text === "") return;
    if (this.#listener === undefined) return this.#keep(name, text);
    if (name !== this.#pendingName) this.#send();
    this.#pendingName = name;
    this.#pending += text;
    const isQuiet = performance.now() - this.#lastSent > GATHER_MS;
    if (isQuiet || this.#pending.length >= GATHER_CHARACTERS) return this.#send();
    this.#timer ??= setTimeout(() => this.#send(), GATHER_MS);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending === "") return;
    this.#listener?.output(textLine(this.#pendingName, this.#pending));
    this.#listener?.flush();
    this.#pending = "";
    this.#lastSent = performance.now();
  }

  #keep(name: StreamName, text: string): void {
    const kept = text.slice(0, LATE_LIMIT - this.#lateSize);
    if (kept === "") return;
    this.#late.push([name, kept]);
    this.#lateSize += kept.length;
  }
}
