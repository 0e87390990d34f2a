import { readdirSync } from "node:fs";
import { setPriority, totalmem } from "node:os";
import { join } from "node:path";
import { background, warning } from "@emberbox/core/background";
import type { AgentContext } from "../context.ts";
import { findUser } from "../envd/users.ts";
import { ForkedKernel } from "./forked-kernel.ts";
import type { KernelOptions } from "./language.ts";
import { RawOutput } from "./raw-output.ts";
import { demandEntry, spawnKernel } from "./spawn.ts";

// Not `--jitless`, which the agent has under emulation: loops would be many times slower there too, and without
// WebAssembly there is no `fetch`.
export const NODE_FLAGS: readonly string[] = [
  "--experimental-import-meta-resolve",
  "--disable-warning=ExperimentalWarning",
  // A timer's callback that is stopped half-way leaves Node's record of asynchronous calls inconsistent; Node would
  // end.
  "--no-force-async-hooks-checks",
  // By default V8 takes a quarter of a small machine's memory; user code may have half of it.
  `--max-old-space-size=${Math.round(totalmem() / 2 ** 21)}`,
];
/** What V8 writes before it aborts because its heap is full. */
const V8_GIVES_UP = "JavaScript heap out of memory";
/** On a smaller machine, no spare process is kept: user code needs the memory more, in bytes. */
const ROOM_FOR_SPARE = 900 * 1024 * 1024;
/** Pause before the next spare is started, in ms: whoever took the last one is about to use it. */
const REFILL_MS = 1000;

/** What a spare process becomes. */
export interface Part extends KernelOptions {
  readonly language: string;
}

/**
 * Node processes that run JavaScript or TypeScript. One of the default user's is kept ready: starting one takes more
 * than a second.
 */
export class JavaScriptProcesses {
  readonly #directory: string;
  readonly #home: string;
  readonly #context: AgentContext;
  #spare: ForkedKernel | undefined;
  #isClosed = false;

  constructor(options: { directory: string; home: string; context: AgentContext }) {
    this.#directory = options.directory;
    this.#home = options.home;
    this.#context = options.context;
  }

  async start(part: Part): Promise<ForkedKernel> {
    demandEntry(part.cwd, part.user);
    const spare = part.user.name === this.#context.defaultUser ? this.#spare : undefined;
    if (spare !== undefined) {
      this.#spare = undefined;
      const fill = (): void =>
        background(this.fill(true), warning("Starting a spare process for JavaScript"));
      setTimeout(fill, REFILL_MS).unref();
      hurry(spare.pid);
    }
    const kernel = spare ?? (await this.#spawn(part));
    try {
      await kernel.become(part);
      return kernel;
    } catch (error) {
      kernel.kill();
      throw error;
    }
  }

  /**
   * Starts the spare process, if there is none and room for it; `quietly`, if others have better use for the processor.
   */
  async fill(quietly: boolean): Promise<void> {
    if (this.#isClosed || this.#spare !== undefined || totalmem() < ROOM_FOR_SPARE) return;
    try {
      const user = findUser(this.#context.defaultUser);
      const kernel = await this.#spawn({ user, cwd: this.#home, envs: {} }, quietly);
      if (this.#isClosed || this.#spare !== undefined) return kernel.kill();
      this.#spare = kernel;
      kernel.onExit = () => {
        if (this.#spare === kernel) this.#spare = undefined;
      };
    } catch (error) {
      this.#context.log(`no spare process for JavaScript: ${error}`);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#spare?.kill();
  }

  async #spawn(place: KernelOptions, quietly: boolean = false): Promise<ForkedKernel> {
    const args = [...NODE_FLAGS, join(this.#directory, "javascript.mjs")];
    const started = await spawnKernel(process.execPath, args, place, "ignore");
    if (quietly) setPriority(started.pid, 19);
    let isOutOfMemory = false;
    started.stderr.on("data", (chunk: Buffer) => (isOutOfMemory ||= chunk.includes(V8_GIVES_UP)));
    const kernel = new ForkedKernel(started.pid, started.frames, {
      output: new RawOutput(started.stdout, started.stderr),
      interrupt(execution) {
        const number = Buffer.alloc(4);
        number.writeUInt32BE(execution);
        started.control.write(number);
      },
      isWatched: true,
    });
    started.process.on("exit", (code, signal) =>
      kernel.exited({
        code: code ?? undefined,
        signal: signal ?? undefined,
        outOfMemory: isOutOfMemory && signal === "SIGABRT",
      }),
    );
    await kernel.ready;
    return kernel;
  }
}

/** Each thread has a priority of its own. */
function hurry(pid: number): void {
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), 0);
  } catch {
    // It, or one of its threads, has ended.
  }
}
