import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { AgentContext } from "../context.ts";
import { findUser } from "../envd/users.ts";
import { environmentOf } from "./environment.ts";
import { FROM_KERNEL, FrameReader } from "../kernel-frames.ts";
import type { Kernel, KernelExit, KernelOptions, Language } from "./language.ts";
import { ForkedKernel } from "./forked-kernel.ts";
import { Zygote } from "./zygote.ts";
import { IMAGE_TOOLS } from "../image-tools.ts";

/** How long a forked kernel has to report, in ms. */
const START_LIMIT_MS = 900_000;
/** Pause before a zygote that ended is replaced, in ms. */
const RESPAWN_MS = 200;
/** How long a connection has to identify itself, in ms. */
const HELLO_LIMIT_MS = 10_000;

export interface PythonOptions {
  /** Directory that holds `kernel/zygote.py`; the agent's socket is made there too. */
  readonly directory: string;
  readonly home: string;
  readonly context: AgentContext;
  readonly imports: "now" | "later";
}

/** Python: kernels are forks of one process that has the usual libraries imported. */
export class PythonLanguage implements Language {
  readonly name = "python";
  readonly aliases: readonly string[] = ["python3", "py"];
  readonly #options: PythonOptions;
  readonly #socketPath: string;
  readonly #server: Server;
  readonly #waiting = new Map<string, PromiseWithResolvers<Socket>>();
  readonly #kernels = new Map<number, ForkedKernel>();
  /** Ends that were reported before the answer to the fork was read. */
  readonly #early = new Map<number, KernelExit>();
  #zygote: Zygote;
  #closed = false;

  constructor(options: PythonOptions) {
    this.#options = options;
    const directory = join(options.directory, "sockets");
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
    this.#socketPath = join(directory, "python");
    rmSync(this.#socketPath, { force: true });
    this.#server = createServer((socket) => this.#greet(socket)).listen(this.#socketPath);
    this.#zygote = this.#spawn();
  }

  async start({ user, cwd, envs }: KernelOptions): Promise<Kernel> {
    const token = randomBytes(16).toString("hex");
    const connected = Promise.withResolvers<Socket>();
    this.#waiting.set(token, connected);
    const late = setTimeout(
      () => connected.reject(new Error("the Python kernel did not report in time")),
      START_LIMIT_MS,
    );
    try {
      // It may have been installed by now.
      if (this.#zygote.hasFailed) this.#zygote = this.#spawn();
      const zygote = this.#zygote;
      const own = environmentOf(user);
      const pid = await zygote.fork({ token, user: user.name, own, cwd, env: envs });
      const kernel = new ForkedKernel(pid, await connected.promise);
      if (zygote === this.#zygote) this.#kernels.set(pid, kernel);
      else kernel.orphaned();
      const early = this.#early.get(pid);
      if (early !== undefined) this.#exited(pid, early);
      await kernel.ready;
      return kernel;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(token);
    }
  }

  async warm(): Promise<void> {
    await this.#zygote.ready;
  }

  close(): void {
    this.#closed = true;
    this.#server.close();
    this.#zygote.close();
    for (const kernel of this.#kernels.values()) kernel.kill();
  }

  #spawn(): Zygote {
    return new Zygote({
      python: imagePython(),
      script: join(this.#options.directory, "kernel", "zygote.py"),
      socketPath: this.#socketPath,
      user: this.#options.context.defaultUser,
      imports: this.#options.imports,
      env: {
        ...environmentOf(findUser(this.#options.context.defaultUser)),
        MPLBACKEND: "module://matplotlib_inline.backend_inline",
      },
      cwd: this.#options.home,
      log: this.#options.context.log,
      onExit: (pid, exit) => this.#exited(pid, exit),
      onGone: () => this.#respawn(),
    });
  }

  /** Kernels outlive their zygote, but nobody reports their end any more. */
  #respawn(): void {
    for (const kernel of this.#kernels.values()) kernel.orphaned();
    this.#kernels.clear();
    this.#early.clear();
    if (this.#closed || this.#zygote.hasFailed) return;
    const again = setTimeout(() => (this.#zygote = this.#spawn()), RESPAWN_MS);
    again.unref();
  }

  #exited(pid: number, exit: KernelExit): void {
    const kernel = this.#kernels.get(pid);
    if (kernel === undefined) {
      this.#early.set(pid, exit);
      return;
    }
    this.#kernels.delete(pid);
    this.#early.delete(pid);
    kernel.exited(exit);
  }

  /** The first frame of a connection is a token that only the zygote was told. */
  #greet(socket: Socket): void {
    const reader = new FrameReader();
    const late = setTimeout(() => socket.destroy(), HELLO_LIMIT_MS);
    const refuse = (): void => void socket.destroy();
    socket.on("error", refuse);
    socket.once("readable", () => {
      clearTimeout(late);
      const bytes = socket.read(HELLO_BYTES) as Buffer | null;
      if (bytes === null) return refuse();
      let token: string | undefined;
      try {
        reader.push(
          bytes,
          (kind, payload) =>
            (token = kind === FROM_KERNEL.hello ? payload.toString("latin1") : undefined),
        );
      } catch {
        return refuse();
      }
      const waiting = token === undefined ? undefined : this.#waiting.get(token);
      if (waiting === undefined) return refuse();
      socket.off("error", refuse);
      waiting.resolve(socket);
    });
  }
}

/** A container image may have its own Python anywhere; what made a machine of it wrote down where. */
function imagePython(): string {
  try {
    return readFileSync(`${IMAGE_TOOLS}/python-path`, "utf8").trim() || "python3";
  } catch {
    return "python3";
  }
}

/** A header and 32 hexadecimal digits. */
const HELLO_BYTES = 5 + 32;
