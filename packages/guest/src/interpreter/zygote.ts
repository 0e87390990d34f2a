import { spawn, type ChildProcess } from "node:child_process";
import type { KernelExit } from "./language.ts";

export interface ZygoteOptions {
  readonly python: string;
  readonly script: string;
  readonly socketPath: string;
  /** Whose packages and settings it has; kernels may be other users'. */
  readonly user: string;
  /** When it imports what kernels need: before it is ready, all of the usual libraries; or for the first kernel. */
  readonly imports: "now" | "later";
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly log: (line: string) => void;
  /** A forked process has ended. */
  readonly onExit: (pid: number, exit: KernelExit) => void;
  /** The zygote itself has ended. */
  readonly onGone: () => void;
}

interface Answer {
  readonly id?: number;
  readonly ready?: boolean;
  readonly error?: string;
  readonly pid?: number;
  readonly exit?: number;
}

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export interface Fork {
  /** What the kernel shows when it connects. */
  readonly token: string;
  readonly user: string;
  /** The user's environment, and what the kernel has besides. */
  readonly own: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** The Python process that has imported everything and forks the kernels; see `kernel/zygote.py`. */
export class Zygote {
  readonly ready: Promise<void>;
  readonly #options: ZygoteOptions;
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers();
  #next = 1;
  #buffered = "";
  #gone = false;
  #hasBegun = false;

  constructor(options: ZygoteOptions) {
    this.#options = options;
    this.ready = this.#started.promise;
    this.ready.catch(() => undefined);
    const { python, script, socketPath, user, imports } = options;
    this.#process = spawn(python, ["-u", script, socketPath, user, imports], {
      env: options.env,
      cwd: options.cwd,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#process.on("error", (error) => this.#end(error.message));
    this.#process.on("exit", (code, signal) => this.#end(`ended (${signal ?? code})`));
    this.#process.stdin!.on("error", () => undefined);
    this.#process.stdout!.setEncoding("utf8").on("data", (text: string) => this.#read(text));
  }

  /** Whether it ended before it was ready: there is no Python that could run it. */
  get hasFailed(): boolean {
    return this.#gone && !this.#hasBegun;
  }

  /** Forks a kernel and returns its process id. */
  async fork(request: Fork): Promise<number> {
    const answer = await this.#request({ op: "fork", ...request });
    return answer.pid!;
  }

  close(): void {
    this.#process.kill("SIGKILL");
  }

  async #request(message: Record<string, unknown>): Promise<Answer> {
    await this.ready;
    if (this.#gone) throw new Error("the Python zygote has ended");
    const id = this.#next++;
    const pending = Promise.withResolvers<Answer>();
    this.#pending.set(id, pending);
    this.#process.stdin!.write(`${JSON.stringify({ id, ...message })}\n`);
    return pending.promise;
  }

  #read(text: string): void {
    const lines = (this.#buffered + text).split("\n");
    this.#buffered = lines.pop()!;
    for (const line of lines) this.#take(JSON.parse(line) as Answer & KernelExit);
  }

  #take(answer: Answer & KernelExit): void {
    if (answer.ready) {
      this.#hasBegun = true;
      this.#started.resolve();
    }
    if (answer.exit !== undefined) this.#options.onExit(answer.exit, answer);
    if (answer.id === undefined) return;
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (answer.error === undefined) pending?.resolve(answer);
    else pending?.reject(new Error(answer.error));
  }

  #end(why: string): void {
    if (this.#gone) return;
    this.#gone = true;
    const what = this.#hasBegun ? "the Python zygote" : "no Python here can run cells, the zygote";
    const error = new Error(`${what} ${why}`);
    this.#options.log(error.message);
    this.#started.reject(error);
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#options.onGone();
  }
}
