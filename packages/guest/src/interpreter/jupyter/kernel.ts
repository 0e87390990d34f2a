import { background } from "@emberbox/core/background";
import { oomKills } from "../../cgroup.ts";
import type { Kernel, KernelExit, KernelListener } from "../language.ts";
import { textLine } from "../lines.ts";
import { RawOutput } from "../raw-output.ts";
import type { KernelProcess } from "../spawn.ts";
import { type ChannelName, type Connection, MAX_MESSAGE_BYTES } from "./connection.ts";
import { type Dialect, dialectOf } from "./dialects.ts";
import type { Kernelspec } from "./kernelspecs.ts";
import { Displays } from "./displays.ts";
import { countLine, errorLine, textOf } from "./lines.ts";
import type { Message } from "./message.ts";

/**
 * After how long a kernel that answered is asked again, if its output did not arrive, in ms: each question costs it
 * time.
 */
const ASK_MS = 250;
/** How long one half of an execution's end waits for the other, which may have been lost, in ms. */
const OTHER_HALF_MS = 5000;
/** How long a displayed value that may be the cell's is held back, in ms. */
const HOLD_MS = 1000;
/** How long a kernel's last messages may still be on their way after it ended, in ms. */
const LINGER_MS = 200;

/** An execution in progress: it is over when the kernel has replied and is idle. */
interface Request {
  readonly id: string;
  readonly hear: (message: Message) => void;
  readonly done: () => void;
  replied: boolean;
  idle: boolean;
  overdue?: NodeJS.Timeout;
}

interface Held {
  readonly content: Message["content"];
  readonly listener: KernelListener;
  readonly timer: NodeJS.Timeout;
}

/** A process that speaks Jupyter's protocol. All that it sends is checked: anybody may have written it. */
export class JupyterKernel implements Kernel {
  readonly watched: number;
  readonly ready: Promise<void>;
  onExit: (exit: KernelExit) => void = () => undefined;
  readonly #spec: Kernelspec;
  readonly #process: KernelProcess;
  readonly #connection: Connection;
  readonly #output: RawOutput;
  readonly #dialect: Dialect | undefined;
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers();
  /** Ids of the questions whether the kernel is ready, and which of its two channels have answered. */
  readonly #asked = new Set<string>();
  readonly #answered = new Set<ChannelName>();
  #asking: NodeJS.Timeout | undefined;
  #request: Request | undefined;
  /** Code to run before the next execution. */
  #owed: string[] = [];
  #ended = false;
  #failed = false;
  #displays = new Displays();
  /** Whether it says which result is the value of the last expression; other kernels just display that value last. */
  #marksValues = false;
  #held: Held | undefined;
  #stopped = false;
  #reason: string | undefined;
  #kills = 0;

  constructor(spec: Kernelspec, process: KernelProcess, connection: Connection) {
    this.#spec = spec;
    this.#process = process;
    this.watched = process.pid;
    this.#connection = connection;
    this.#dialect = dialectOf(spec.dialect);
    this.#output = new RawOutput(process.stdout, process.stderr);
    this.ready = this.#started.promise;
    this.ready.catch(() => undefined);
    process.process.on("exit", (code, signal) => this.#exited(code, signal));
    this.#ask();
  }

  execute(
    code: string,
    envs: Readonly<Record<string, string>> | undefined,
    listener: KernelListener,
  ): void {
    this.#kills = oomKills();
    this.#output.begin(listener);
    this.#failed = false;
    this.#displays = new Displays();
    background(this.#executeAll(code, envs, listener), (error) =>
      this.kill(`could not be given the code: ${String(error)}`),
    );
  }

  interrupt(): void {
    if (this.#spec.interruptMode === "message")
      this.#connection.send("control", "interrupt_request", {});
    else this.#signal("SIGINT");
  }

  kill(reason?: string): void {
    this.#reason ??= reason;
    this.#signal("SIGKILL");
  }

  restored(envs: Readonly<Record<string, string>>): void {
    if (this.#dialect === undefined) return;
    this.#owed = [this.#dialect.export(envs), this.#dialect.reseed];
  }

  async reset(): Promise<void> {}

  /** ZeroMQ drops what nobody reads in time, so the producer itself has to wait. */
  pause(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#output.pause();
    this.#signal("SIGSTOP");
  }

  resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#output.resume();
    this.#signal("SIGCONT");
  }

  hear(channel: ChannelName, message: Message): void {
    if (this.#asked.size > 0) return this.#hearStart(channel, message);
    const request = this.#request;
    if (request === undefined || message.parent !== request.id) return;
    if (channel === "iopub" && message.type === "status") {
      if (message.content["execution_state"] === "idle") this.#half(request, "idle");
    } else {
      request.hear(message);
      if (channel === "shell" && message.type === "execute_reply") this.#half(request, "replied");
    }
  }

  /** A kernel that was cut off cannot be heard any more. One that has just ended reports why by itself. */
  lost(): void {
    const limit = `${MAX_MESSAGE_BYTES / 1048576} MiB`;
    const why = `was ended, because it sent a message over the limit of ${limit}`;
    setTimeout(() => this.#ended || this.kill(why), LINGER_MS);
  }

  async #executeAll(
    code: string,
    envs: Readonly<Record<string, string>> | undefined,
    listener: KernelListener,
  ): Promise<void> {
    for (const owed of this.#owed.splice(0)) await this.#run(owed);
    const variables = envs && this.#dialect?.variables(envs);
    if (envs && !variables) {
      const evalue = `variables cannot be set for one call in ${this.#spec.language}: give them to the whole sandbox, or set them in the code`;
      listener.error(errorLine({ ename: "UnsupportedError", evalue }));
    } else {
      const warm = code === "" ? this.#dialect?.warm : undefined;
      if (variables) await this.#run(variables.set);
      await (warm === undefined ? this.#run(code, listener) : this.#run(warm));
      if (variables) await this.#run(variables.restore);
    }
    this.#release(!this.#failed);
    this.#output.end(() => {
      listener.end();
      listener.flush();
    });
  }

  /** Runs code; silently if there is no listener. */
  #run(code: string, listener?: KernelListener): Promise<void> {
    const content = {
      code,
      silent: listener === undefined,
      store_history: listener !== undefined,
      user_expressions: {},
      // There is no input, but a kernel that may ask for it is told so like any other.
      allow_stdin: listener !== undefined,
      stop_on_error: false,
    };
    return new Promise((done) => {
      const id = this.#connection.send("shell", "execute_request", content);
      const hear = (message: Message): void => {
        if (listener === undefined) return;
        if (message.type !== "execute_reply") this.#release(false);
        this.#forward(message, listener);
        listener.flush();
      };
      this.#request = { id, hear, done, replied: false, idle: false };
    });
  }

  #forward({ type, content }: Message, listener: KernelListener): void {
    const say = (line: Buffer | undefined): void => {
      if (line) listener.output(line);
    };
    switch (type) {
      case "execute_input":
        return say(countLine(content));
      case "stream": {
        const { name, text } = content;
        if (typeof text !== "string" || text === "") return undefined;
        return say(textLine(name === "stderr" ? "stderr" : "stdout", text));
      }
      case "display_data":
        if (this.#marksValues) return say(this.#displays.result(content, false));
        return this.#hold(content, listener);
      case "update_display_data":
        return say(this.#displays.update(content));
      case "clear_output":
        return say(this.#displays.clear());
      case "execute_result":
        this.#marksValues = true;
        return say(this.#displays.result(content, true));
      case "error":
        return this.#fail(content, listener);
      case "execute_reply":
        for (const page of pagesOf(content)) say(this.#displays.result(page, false));
        if (content["status"] === "error" || content["status"] === "aborted")
          this.#fail(content, listener);
        return undefined;
      case "input_request": {
        const evalue = `input was asked for (${textOf(content["prompt"]).trim() || "no prompt"}), but code here runs without a keyboard. Put the value into a variable instead.`;
        this.#fail({ ename: "StdinNotImplementedError", evalue }, listener);
        this.interrupt();
        // R notices an interrupt only when its wait for the answer is over.
        return void this.#connection.send("stdin", "input_reply", { value: "" });
      }
      default:
        return undefined;
    }
  }

  #hold(content: Message["content"], listener: KernelListener): void {
    const timer = setTimeout(() => {
      this.#release(false);
      listener.flush();
    }, HOLD_MS);
    this.#held = { content, listener, timer };
  }

  #release(main: boolean): void {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    clearTimeout(held.timer);
    const line = this.#displays.result(held.content, main);
    if (line !== undefined) held.listener.output(line);
  }

  /** The first error is the one that is reported. */
  #fail(content: Message["content"], listener: KernelListener): void {
    if (!this.#failed) listener.error(errorLine(content));
    this.#failed = true;
  }

  #half(request: Request, half: "replied" | "idle"): void {
    request[half] = true;
    clearTimeout(request.overdue);
    const finish = (): void => {
      if (this.#request !== request) return;
      this.#request = undefined;
      request.done();
    };
    if (request.replied && request.idle) finish();
    else request.overdue = setTimeout(finish, OTHER_HALF_MS);
  }

  #ask(): void {
    this.#asked.add(this.#connection.send("shell", "kernel_info_request", {}));
  }

  /** A kernel has started when both its answers and its output arrive: a subscription takes time. */
  #hearStart(channel: ChannelName, message: Message): void {
    if (message.parent === undefined || !this.#asked.has(message.parent)) return;
    this.#answered.add(channel);
    if (!this.#answered.has("shell")) return;
    if (!this.#answered.has("iopub")) {
      clearTimeout(this.#asking);
      this.#asking = setTimeout(() => this.#ask(), ASK_MS);
      return;
    }
    this.#stopAsking();
    // What kernels print while they start is not for the user.
    this.#output.end(() => {
      this.#output.discard();
      this.#started.resolve();
    });
  }

  #stopAsking(): void {
    clearTimeout(this.#asking);
    this.#asked.clear();
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.#ended = true;
    this.#stopAsking();
    this.#signal("SIGKILL");
    const ended = code === null ? String(signal) : `exit code ${code}`;
    const why = this.#reason ?? `ended while it was starting (${ended})`;
    this.#started.reject(new Error(`the kernel ${why}\n${this.#output.lastWords()}`.trimEnd()));
    const outOfMemory =
      signal === "SIGKILL" && this.#reason === undefined && oomKills() > this.#kills;
    setTimeout(() => {
      clearTimeout(this.#request?.overdue);
      this.#release(false);
      this.#request = undefined;
      this.#output.close();
      this.#connection[Symbol.dispose]();
      const exit = { code: code ?? undefined, signal: signal ?? undefined, reason: this.#reason };
      this.onExit({ ...exit, outOfMemory });
    }, LINGER_MS);
  }

  /** The process leads a group, so what it started is signalled too. */
  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#process.pid, signal);
    } catch {
      // The group is empty.
    }
  }
}

/** The help that a kernel shows in a pager. */
function pagesOf(content: Message["content"]): Message["content"][] {
  const payload = content["payload"];
  if (!Array.isArray(payload)) return [];
  return payload.filter(
    (one: unknown): one is Message["content"] =>
      typeof one === "object" && one !== null && (one as { source?: unknown }).source === "page",
  );
}
