import { writeSync } from "node:fs";
import { frame, FROM_KERNEL } from "../kernel-frames.ts";
import { isAbandoned } from "./abandoned.ts";

/** Characters of output kept while nothing runs, for the next execution. */
const LATE_LIMIT = 64 * 1024;
/** Longest line of one result, in bytes. */
const RESULT_LIMIT = 32 * 1024 * 1024;
/** Longest text of an error's parts; both ends of a longer one are kept. */
const ERROR_LIMIT = 256 * 1024;

type StreamName = "stdout" | "stderr";

/** Text is sent at once, unless some was sent within this time, in ms: then it waits for more. */
const COALESCE_MS = 20;
const COALESCE_CHARACTERS = 32 * 1024;
/** Longer texts are sent in pieces: each piece takes several times its length on the way. */
const PIECE_CHARACTERS = 256 * 1024;
/** Not the one that cells see, whose callbacks end with their cell. */
const soon = setImmediate;

/** Frames to the agent, in the order in which things happened. */
export class Channel {
  readonly #descriptor: number;
  readonly #pause = new Int32Array(new SharedArrayBuffer(4));
  #executing = false;
  #late: [StreamName, string][] = [];
  #lateSize = 0;
  /** The main result, which is sent along with the end of its cell. */
  #main: Buffer | undefined;
  #pending = "";
  #pendingName: StreamName = "stdout";
  #lastFlush = 0;
  #isWaiting = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  ready(problem: string): void {
    this.#write(frame(FROM_KERNEL.ready, Buffer.from(problem)));
  }

  begin(): void {
    this.#executing = true;
    for (const [name, text] of this.#takeLate()) this.text(name, text);
  }

  text(name: StreamName, text: string): void {
    if (isAbandoned()) return;
    for (let start = 0; start < text.length;) {
      const end = pieceEnd(text, start);
      this.#add(name, start === 0 && end === text.length ? text : text.slice(start, end));
      start = end;
    }
  }

  #add(name: StreamName, text: string): void {
    if (!this.#executing) return this.#keep(name, text);
    if (this.#pending !== "" && name !== this.#pendingName) this.flush();
    this.#pending += text;
    this.#pendingName = name;
    if (
      this.#pending.length > COALESCE_CHARACTERS ||
      performance.now() - this.#lastFlush > COALESCE_MS
    )
      return this.flush();
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    soon(() => {
      this.#isWaiting = false;
      this.flush();
    });
  }

  /** Sends the waiting text. */
  flush(): void {
    const text = this.#pending;
    if (text === "") return;
    this.#pending = "";
    const timestamp = new Date().toISOString();
    const line = `{"type":"${this.#pendingName}","text":${JSON.stringify(text.toWellFormed())},"timestamp":"${timestamp}"}\n`;
    this.#send(frame(FROM_KERNEL.output, Buffer.from(line)));
    this.#lastFlush = performance.now();
  }

  result(fields: Readonly<Record<string, unknown>>, main: boolean): void {
    if (!this.#executing || isAbandoned()) return;
    this.flush();
    let line = resultLine(fields, main);
    if (line.length > RESULT_LIMIT) {
      const size = (line.length / 1e6).toFixed(1);
      const text = `A result of ${size} MB (${Object.keys(fields).join(", ")}) is over the limit of ${RESULT_LIMIT / 1048576} MB and was left out. Save it to a file instead.`;
      line = resultLine({ text }, main);
    }
    const bytes = frame(FROM_KERNEL.output, Buffer.from(line));
    // The end of the cell comes next.
    if (main && bytes.length < 65536) this.#main = bytes;
    else this.#send(bytes);
  }

  /** Sends the main result although its cell goes on. */
  release(): void {
    this.flush();
    if (this.#main !== undefined) this.#send(NOTHING);
  }

  error(name: string, value: string, traceback: string): void {
    this.flush();
    const parts = { name: clipped(name), value: clipped(value), traceback: clipped(traceback) };
    const line = `${JSON.stringify({ type: "error", ...parts })}\n`;
    this.#send(frame(FROM_KERNEL.error, Buffer.from(line)));
  }

  /** Says also the number of the execution that follows. */
  end(following: number): void {
    this.flush();
    this.#send(frame(FROM_KERNEL.end, Buffer.from(String(following))));
    this.#executing = false;
  }

  forget(): void {
    this.#takeLate();
  }

  #keep(name: StreamName, text: string): void {
    const kept = text.slice(0, LATE_LIMIT - this.#lateSize);
    if (kept === "") return;
    this.#late.push([name, kept]);
    this.#lateSize += kept.length;
  }

  #takeLate(): [StreamName, string][] {
    const late = this.#late;
    this.#late = [];
    this.#lateSize = 0;
    return late;
  }

  #send(bytes: Buffer): void {
    const main = this.#main;
    this.#main = undefined;
    this.#write(main === undefined ? bytes : Buffer.concat([main, bytes]));
  }

  /** The socket does not block, but this call does while the agent does not read. */
  #write(bytes: Buffer): void {
    for (let offset = 0; offset < bytes.length;) {
      try {
        offset += writeSync(this.#descriptor, bytes, offset);
      } catch (error) {
        // The agent closed the connection: this context is over.
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN")
          process.kill(process.pid, "SIGKILL");
        Atomics.wait(this.#pause, 0, 0, 1);
      }
    }
  }
}

const NOTHING = Buffer.alloc(0);

/** Where a piece ends: never within a character. */
function pieceEnd(text: string, start: number): number {
  const end = start + PIECE_CHARACTERS;
  if (end >= text.length) return text.length;
  return (text.charCodeAt(end) & 0xfc00) === 0xdc00 ? end - 1 : end;
}

function resultLine(fields: Readonly<Record<string, unknown>>, main: boolean): string {
  return `${JSON.stringify({ type: "result", ...fields, is_main_result: main })}\n`;
}

function clipped(text: string): string {
  if (text.length <= ERROR_LIMIT) return text;
  const half = ERROR_LIMIT / 2;
  return `${text.slice(0, half)}\n... ${text.length - ERROR_LIMIT} characters left out ...\n${text.slice(-half)}`;
}
