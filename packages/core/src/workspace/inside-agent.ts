import { ENVD_PORT } from "../envd.ts";
import { streamed } from "../files/read.ts";
import type { SandboxConnection } from "../provider.ts";
import { Call } from "../wire/call.ts";
import { httpError } from "../wire/http-error.ts";
import { applied, type Tree } from "./compare.ts";
import { readChanges } from "./guest-contents.ts";
import type { Inside } from "./inside.ts";
import type { Writer } from "./writer.ts";

/** How long nothing may come of an answer, in milliseconds: files are read for their digests. */
const PATIENCE_MS = 600_000;

/** A workspace that the machine's agent knows: it tells what was written to. */
export class InsideAgent implements Inside {
  readonly #connection: SandboxConnection;
  readonly #number: number;
  readonly #original: () => Promise<Tree>;
  readonly #writer: Writer;

  constructor(
    connection: SandboxConnection,
    number: number,
    original: () => Promise<Tree>,
    writer: Writer,
  ) {
    this.#connection = connection;
    this.#number = number;
    this.#original = original;
    this.#writer = writer;
  }

  async tree(signal?: AbortSignal): Promise<Tree> {
    const call = new Call(this.#connection, { signal, requestTimeoutMs: PATIENCE_MS });
    // It is read while the sandbox looks.
    const original = this.#original();
    original.catch(() => {});
    try {
      const changes = await call.begin(async (progress) => {
        const answer = await this.#ask(call, "changes");
        progress();
        return readChanges(answer);
      });
      return applied(await original, changes);
    } catch (error) {
      throw await call.failure(error);
    } finally {
      call[Symbol.dispose]();
    }
  }

  read(path: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#file("current", path, signal);
  }

  original(path: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#file("original", path, signal);
  }

  write(...given: Parameters<Writer["write"]>): Promise<void> {
    return this.#writer.write(...given);
  }

  async *#file(
    what: "current" | "original",
    path: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const call = new Call(this.#connection, { signal });
    let response;
    try {
      response = await call.begin(() => this.#ask(call, `${what}?path=${percent(path)}`));
    } catch (error) {
      call[Symbol.dispose]();
      throw await call.failure(error);
    }
    yield* streamed(call, response);
  }

  async #ask(call: Call, what: string): ReturnType<Call["send"]> {
    const path = `/workspaces/${this.#number}/${what}`;
    const answer = await call.send(ENVD_PORT, { method: "GET", path });
    if (answer.statusCode !== 200) throw await httpError(answer);
    return answer;
  }
}

const percent = (path: string): string =>
  path.replaceAll(/[^\w./-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
