import type { Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";
import type { KernelListener } from "./language.ts";
import { textLine } from "./lines.ts";

/** Characters of output kept while nothing runs, for the next execution. */
const LATE_LIMIT = 64 * 1024;

type StreamName = "stdout" | "stderr";

/** What a kernel's process and its children write to descriptors 1 and 2, which the agent reads. */
export class RawOutput {
  readonly #sockets: readonly Socket[];
  #listener: KernelListener | undefined;
  #late: [StreamName, string][] = [];
  #lateSize = 0;

  constructor(stdout: Socket, stderr: Socket) {
    this.#sockets = [stdout, stderr];
    this.#read("stdout", stdout);
    this.#read("stderr", stderr);
  }

  /** From here on output belongs to an execution. */
  begin(listener: KernelListener): void {
    this.#listener = listener;
    for (const [name, text] of this.#late) listener.output(textLine(name, text));
    this.discard();
  }

  /** Calls back when all that was written before now has been handed over. */
  end(done: () => void): void {
    // Two turns of the loop: the first may have looked at the pipes already.
    setImmediate(() =>
      setImmediate(() => {
        this.#listener = undefined;
        done();
      }),
    );
  }

  discard(): void {
    this.#late = [];
    this.#lateSize = 0;
  }

  pause(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.#sockets) socket.resume();
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #read(name: StreamName, socket: Socket): void {
    const decoder = new StringDecoder("utf8");
    socket.on("data", (chunk: Buffer) => {
      const text = decoder.write(chunk);
      if (text !== "") this.#take(name, text);
    });
  }

  #take(name: StreamName, text: string): void {
    if (this.#listener !== undefined) {
      this.#listener.output(textLine(name, text));
      this.#listener.flush();
      return;
    }
    const kept = text.slice(0, LATE_LIMIT - this.#lateSize);
    if (kept === "") return;
    this.#late.push([name, kept]);
    this.#lateSize += kept.length;
  }
}
