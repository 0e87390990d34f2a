import { ENVD_PORT, INTERPRETER_PORT } from "@emberbox/core/envd";
import type { Output } from "./output.ts";
import type { Piece } from "./output-rows.ts";
import { type Sink, splitEnvelopes, splitLines } from "./split.ts";

/** What clients ask of a sandbox's agent whose answer has what programs print. */
const PROCESS = /^\/process\.Process\/(?:Start|Connect)$/;
const CODE = /^(?:\/users\/[^/]+)?\/execute$/;
/** How messages begin: enough to tell what they are of without reading them. */
const PRINTED = /^\{\s*"event"\s*:\s*\{\s*"data"\s*:\s*\{\s*"std(?:out|err)"/;
const STARTED = /^\{\s*"event"\s*:\s*\{\s*"start"\s*:\s*\{\s*"pid"\s*:\s*(\d{1,10})/;
const PRINTED_BY_CODE = /^\{\s*"type"\s*:\s*"std(?:out|err)"/;
const HEAD = 100;

/** Listens to one answer of a sandbox's agent. */
export interface Follower {
  readonly take: Sink;
  /** The answer is over. */
  end(): void;
}

export interface Asked {
  readonly sandboxId: string;
  readonly port: number;
  readonly method: string | undefined;
  readonly url: string | undefined;
}

/**
 * Keeps what programs print, from the answers that pass on their way to clients: what goes in, terminals (which show
 * what is typed) and results are not kept. Where several clients follow a command, one of the answers counts.
 */
export class Followers {
  readonly #output: Output;
  /** Who counts, by sandbox and process. */
  readonly #counting = new Map<string, number>();
  #sources = Date.now();

  constructor(output: Output) {
    this.#output = output;
  }

  /** `undefined` for a request whose answer has nothing to be kept. */
  follow({ sandboxId, port, method, url }: Asked): Follower | undefined {
    const path = url?.split("?", 1)[0] ?? "";
    if (method !== "POST") return undefined;
    if (port === ENVD_PORT && PROCESS.test(path)) return this.#followProcess(sandboxId);
    if (port === INTERPRETER_PORT && CODE.test(path)) return this.#followCode(sandboxId);
    return undefined;
  }

  #followCode(sandboxId: string): Follower {
    const keep = this.#keeper(sandboxId, "code");
    const next = (line: Buffer): void => {
      if (PRINTED_BY_CODE.test(headOf(line))) keep(line);
    };
    return { take: splitLines({ next, tooLong: keep.tooLong }), end: keep.end };
  }

  #followProcess(sandboxId: string): Follower {
    const keep = this.#keeper(sandboxId, "process");
    let process: string | undefined;
    const counts = (): boolean => {
      if (process === undefined) return true;
      if (!this.#counting.has(process)) this.#counting.set(process, keep.source);
      return this.#counting.get(process) === keep.source;
    };
    const next = (message: Buffer): void => {
      const head = headOf(message);
      const pid = STARTED.exec(head)?.[1];
      if (pid !== undefined && process === undefined) {
        process = `${sandboxId} ${pid}`;
        keep.pid = Number(pid);
      }
      if (PRINTED.test(head) && counts()) keep(message);
    };
    return {
      take: splitEnvelopes({ next, tooLong: () => counts() && keep.tooLong() }),
      end: () => {
        keep.end();
        if (process !== undefined && this.#counting.get(process) === keep.source)
          this.#counting.delete(process);
      },
    };
  }

  #keeper(sandboxId: string, kind: "process" | "code") {
    const source = (this.#sources += 1);
    const add = (kind: Piece["kind"], data: Uint8Array): void => {
      this.#output.keep(sandboxId, { at: Date.now(), kind, source, pid: keep.pid, data });
      keep.hasKept = true;
    };
    const keep = Object.assign((message: Buffer) => add(kind, Buffer.from(message)), {
      source,
      pid: null as number | null,
      hasKept: false,
      tooLong: () => add("left_out", new Uint8Array()),
      end: () => {
        if (keep.hasKept) add("end", new Uint8Array());
      },
    });
    return keep;
  }
}

function headOf(message: Buffer): string {
  return message.toString("latin1", 0, HEAD);
}
