import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

const MAX_LINE = 1024 * 1024;
/** What QEMU may say per second: characters, and lines. It reports each kind of event at most once a second. */
const MAX_PER_SECOND = 16 * 1024 * 1024;
const MAX_LINES_PER_SECOND = 10_000;

export interface Qmp {
  /** Sends a command; resolves to what it returns. Commands may be sent without waiting for earlier ones. */
  command(name: string, args?: Record<string, unknown>): Promise<unknown>;
  on(listener: (event: QmpEvent) => void): void;
}

export interface QmpEvent {
  readonly event: string;
  readonly data?: Record<string, unknown>;
}

interface QmpMessage extends Partial<QmpEvent> {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
}

/**
 * A client of the QEMU Machine Protocol. QEMU is not trusted: a line that is too long or not JSON, or too many lines,
 * end the connection.
 */
export function connectQmp(socket: Duplex & Partial<Pick<Socket, "ref" | "unref">>): Qmp {
  const waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  const listeners: ((event: QmpEvent) => void)[] = [];
  let buffered = "";
  const said = { since: 0, characters: 0, lines: 0 };
  let ended: Error | undefined;

  const end = (error: Error): void => {
    ended ??= error;
    for (const { reject } of waiting.splice(0)) reject(ended);
    socket.destroy();
  };
  const count = (characters: number, lines: number): void => {
    const now = performance.now();
    if (now - said.since > 1000) Object.assign(said, { since: now, characters: 0, lines: 0 });
    said.characters += characters;
    said.lines += lines;
    if (said.characters > MAX_PER_SECOND || said.lines > MAX_LINES_PER_SECOND)
      throw new Error("QEMU says too much");
  };
  const take = (line: string): void => {
    const message = messageOf(line);
    if (typeof message.event === "string") {
      for (const listener of listeners) listener(message as QmpEvent);
    } else if (message.error) waiting.shift()?.reject(new Error(`QEMU: ${message.error.desc}`));
    else if ("return" in message) waiting.shift()?.resolve(message.return);
    if (waiting.length === 0) socket.unref?.();
  };
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    try {
      count(chunk.length, 0);
      const lines = chunk.split("\n");
      const rest = lines.pop()!;
      for (const line of lines) {
        count(0, 1);
        // Earlier pieces of a line are not searched again with each new one.
        const whole = buffered + line;
        buffered = "";
        take(whole);
      }
      buffered += rest;
      if (buffered.length > MAX_LINE) throw new Error("a line of QEMU's is too long");
    } catch (error) {
      end(error as Error);
    }
  });
  socket.on("error", end);
  for (const event of ["end", "close"]) {
    socket.on(event, () => end(new Error("QEMU closed its control connection")));
  }

  const qmp: Qmp = {
    command(name, args) {
      if (ended) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        socket.ref?.();
        socket.write(`${JSON.stringify({ execute: name, ...(args && { arguments: args }) })}\n`);
      });
    },
    on: (listener) => void listeners.push(listener),
  };
  return qmp;
}

function messageOf(line: string): QmpMessage {
  const message: unknown = JSON.parse(line);
  if (typeof message === "object" && message !== null) return message;
  throw new Error("QEMU said something that is no message");
}
