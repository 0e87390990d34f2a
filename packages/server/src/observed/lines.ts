import { z } from "zod";
import type { Piece } from "./output-rows.ts";

/** A line of a sandbox's log. */
export interface Line {
  readonly at: number;
  readonly level: "info" | "warn";
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

const MOST_LINES = 10_000;
const LONGEST_LINE = 16 * 1024;

const printed = z.union([
  z.object({ stdout: z.base64() }).transform(({ stdout }) => ["stdout", stdout] as const),
  z.object({ stderr: z.base64() }).transform(({ stderr }) => ["stderr", stderr] as const),
]);
const processMessage = z.object({ event: z.object({ data: printed }) });
const codeMessage = z.object({ type: z.enum(["stdout", "stderr"]), text: z.string() });

/** Text of one command or cell that has no end yet. */
class Unfinished {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** The lines that end with this, without their ends. */
  take(chunk: string | Uint8Array): string[] {
    const text = typeof chunk === "string" ? chunk : this.#decoder.decode(chunk, { stream: true });
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    while (this.#rest.length > LONGEST_LINE) {
      lines.push(this.#rest.slice(0, LONGEST_LINE));
      this.#rest = this.#rest.slice(LONGEST_LINE);
    }
    return lines.map((line) => line.replace(/\r$/, ""));
  }

  end(): string[] {
    const rest = this.#rest + this.#decoder.decode();
    this.#rest = "";
    return rest === "" ? [] : [rest];
  }
}

interface Stream {
  readonly unfinished: Unfinished;
  readonly fields: Line["fields"];
  readonly level: Line["level"];
  last: number;
}

/** The lines that pieces amount to. With `isOver`, those that have no end as well. */
export function linesOf(pieces: readonly Piece[], isOver: boolean): Line[] {
  let lines: Line[] = [];
  const streams = new Map<string, Stream>();
  const add = (line: Line): void => {
    lines.push(line);
    if (lines.length >= 2 * MOST_LINES) lines = lines.slice(-MOST_LINES);
  };
  const end = (key: string): void => {
    const stream = streams.get(key);
    if (stream === undefined) return;
    streams.delete(key);
    const { unfinished, level, fields, last } = stream;
    for (const message of unfinished.end()) add({ at: last, level, message, fields });
  };
  for (const piece of pieces) {
    const { at, kind, source, pid, data } = piece;
    if (kind === "system") {
      const message = Buffer.from(data).toString();
      add({ at, level: "info", message, fields: { logger: "system" } });
    } else if (kind === "left_out") {
      const message = "a part of the output was too long to be kept";
      add({ at, level: "warn", message, fields: { logger: "system" } });
    } else if (kind === "end") {
      for (const name of ["stdout", "stderr"]) end(`${source} ${name}`);
    } else {
      const [name, chunk] = read(kind, data) ?? [];
      if (name === undefined || chunk === undefined) continue;
      const key = `${source} ${name}`;
      let stream = streams.get(key);
      if (stream === undefined) {
        const fields = {
          ...{ logger: kind, stream: name },
          ...(pid !== null && { pid: String(pid) }),
        };
        const level = name === "stdout" ? "info" : "warn";
        stream = { unfinished: new Unfinished(), fields, level, last: at };
        streams.set(key, stream);
      }
      stream.last = at;
      for (const message of stream.unfinished.take(chunk))
        add({ at, level: stream.level, message, fields: stream.fields });
    }
  }
  if (isOver) for (const key of [...streams.keys()]) end(key);
  return lines.slice(-MOST_LINES);
}

/** Which stream a message is of, and what was printed there. */
function read(
  kind: "process" | "code",
  data: Uint8Array,
): readonly ["stdout" | "stderr", string | Uint8Array] | undefined {
  const message = json(Buffer.from(data).toString());
  if (kind === "code") {
    const parsed = codeMessage.safeParse(message);
    return parsed.success ? [parsed.data.type, parsed.data.text] : undefined;
  }
  const parsed = processMessage.safeParse(message);
  if (!parsed.success) return undefined;
  const [name, base64] = parsed.data.event.data;
  return [name, Buffer.from(base64, "base64")];
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
