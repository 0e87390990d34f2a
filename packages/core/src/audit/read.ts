import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FIRST, MAX_LINE_BYTES, readLine } from "./chain.ts";
import type { AuditEvent } from "../audit-event.ts";

/** Something that is not as it was written. */
export interface AuditProblem {
  /** Its name in the directory. */
  readonly file: string;
  /** Counted from 1; 0 for the file as a whole. */
  readonly line: number;
  readonly what: string;
}

/** What was found in a directory. */
export interface AuditFindings {
  readonly events: number;
  readonly problems: readonly AuditProblem[];
  /** Files whose last line is incomplete: the program was killed, or the disk was full, while it was written. */
  readonly torn: readonly string[];
  /** The last event of each log: who keeps its hash elsewhere will notice when later ones are cut off. */
  readonly heads: readonly { readonly log: string; readonly seq: number; readonly hash: string }[];
}

const NAME = /^(.+)-\d{6}\.jsonl$/;

/** Reads all logs in a directory, each from its beginning, and checks them. Changed events are not given to `onEvent`. */
export async function readLog(
  directory: string,
  onEvent: (event: AuditEvent) => unknown = () => {},
): Promise<AuditFindings> {
  const names = (await readdir(directory)).filter((name) => NAME.test(name)).toSorted();
  const problems: AuditProblem[] = [];
  const torn: string[] = [];
  const heads = new Map<string, { seq: number; hash: string }>();
  let events = 0;
  for (const file of names) {
    const log = NAME.exec(file)![1]!;
    let line = 0;
    if (!(await stat(join(directory, file))).isFile()) {
      problems.push({ file, line, what: "it is no file" });
      continue;
    }
    for await (const { text, isWhole } of linesOf(join(directory, file))) {
      line += 1;
      if (!isWhole) {
        torn.push(file);
        continue;
      }
      const event = readLine(text);
      const head = heads.get(log) ?? { seq: 0, hash: FIRST };
      if (event === undefined) {
        problems.push({ file, line, what: "the line was changed" });
        // What follows is compared with what is there.
        heads.set(log, { seq: head.seq + 1, hash: "" });
        continue;
      }
      const isNext = event.seq === head.seq + 1 && (head.hash === "" || event.prev === head.hash);
      if (!isNext)
        problems.push({ file, line, what: "events before it are missing, or were added" });
      heads.set(log, { seq: event.seq, hash: event.hash });
      events += 1;
      await onEvent(event);
    }
  }
  return {
    events,
    problems,
    torn,
    heads: [...heads].map(([log, { seq, hash }]) => ({ log, seq, hash })),
  };
}

/** A file's lines; one that is too long counts as changed. */
async function* linesOf(path: string): AsyncGenerator<{ text: string; isWhole: boolean }> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  const take = (): string => {
    const text = bytes > MAX_LINE_BYTES ? "" : Buffer.concat(pieces).toString();
    pieces = [];
    bytes = 0;
    return text;
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      bytes += end - from;
      pieces.push(chunk.subarray(from, end));
      from = end + 1;
      yield { text: take(), isWhole: true };
    }
    bytes += chunk.length - from;
    if (bytes <= MAX_LINE_BYTES) pieces.push(chunk.subarray(from));
  }
  if (bytes > 0) yield { text: take(), isWhole: false };
}
