import { auditDigest, PassingDigest } from "@emberbox/core/audit";
import { splitEnvelopes, splitLines } from "../observed/split.ts";
import type { AgentCall } from "./requests.ts";
import { isObject } from "./requests.ts";

/** Reads an answer of an agent as it passes. */
export interface Answer {
  readonly take: (chunk: Buffer) => void;
  /** What was in it. */
  readonly facts: () => Readonly<Record<string, unknown>>;
}

/** `undefined` where nothing of an answer is recorded but its status. */
export function answerOf(kind: AgentCall["answer"], content: boolean): Answer | undefined {
  if (kind === undefined) return undefined;
  const output = new Output(content);
  if (kind === "content")
    return { take: (chunk) => output.add("given", chunk), facts: output.facts };
  const found: Record<string, unknown> = {};
  const read = kind === "process" ? readProcess : readCode;
  const next = (message: Buffer): void => {
    try {
      const value = JSON.parse(message.toString()) as unknown;
      if (isObject(value)) read(value, output, found);
    } catch {
      // The client is told that it is none; here it is nothing.
    }
  };
  const tooLong = (): void => void (found["incomplete"] = true);
  const split = kind === "process" ? splitEnvelopes : splitLines;
  return { take: split({ next, tooLong }), facts: () => ({ ...found, ...output.facts() }) };
}

/** Digests of what was printed or given, and its beginning where content is recorded. */
class Output {
  readonly #content: boolean;
  readonly #streams = new Map<string, { digest: PassingDigest; head: Buffer[]; room: number }>();

  constructor(content: boolean) {
    this.#content = content;
  }

  add(name: string, piece: Buffer): void {
    const stream = this.#streams.get(name) ?? {
      ...{ digest: new PassingDigest(), head: [], room: this.#content ? MAX_HEAD : 0 },
    };
    this.#streams.set(name, stream);
    stream.digest.take(piece);
    if (stream.room <= 0) return;
    stream.head.push(Buffer.from(piece.subarray(0, stream.room)));
    stream.room -= piece.length;
  }

  readonly facts = (): Readonly<Record<string, unknown>> =>
    Object.fromEntries(
      [...this.#streams].map(([name, { digest, head }]) => {
        const { text } = auditDigest(Buffer.concat(head), this.#content);
        return [name, { ...digest.soFar(), ...(text !== undefined && { text }) }];
      }),
    );
}

const MAX_HEAD = 65_536;
/** The agent has no others. */
const STREAMS = ["stdout", "stderr", "pty"];

type Read = (
  message: Readonly<Record<string, unknown>>,
  output: Output,
  found: Record<string, unknown>,
) => void;

const readProcess: Read = ({ event }, output, found) => {
  const { start, data, end } = isObject(event) ? event : {};
  if (isObject(start) && typeof start["pid"] === "number") found["pid"] = start["pid"];
  if (isObject(end)) found["exitCode"] = Number(end["exitCode"] ?? 0);
  if (!isObject(data)) return;
  for (const name of STREAMS) {
    const piece = data[name];
    if (typeof piece === "string") output.add(name, Buffer.from(piece, "base64"));
  }
};

const readCode: Read = ({ type, text, name }, output, found) => {
  if ((type === "stdout" || type === "stderr") && typeof text === "string")
    output.add(type, Buffer.from(text));
  if (type === "result") found["results"] = Number(found["results"] ?? 0) + 1;
  if (type === "error") found["exception"] = String(name).slice(0, 200);
};
