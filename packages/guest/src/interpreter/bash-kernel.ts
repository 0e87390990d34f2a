import { constants } from "node:os";
import { oomKills } from "../cgroup.ts";
import { cellLines, quoted, SETUP, withoutWrapping } from "./bash-shell.ts";
import type { Kernel, KernelExit, KernelListener } from "./language.ts";
import { numberLine } from "./lines.ts";
import { RawOutput } from "./raw-output.ts";
import type { KernelProcess } from "./spawn.ts";

/** Longest report that is accepted from a shell, in characters. */
const MAX_REPORT = 64;
/** Pause before another interrupt, if the first one did not end the code, in ms. */
const INTERRUPT_MS = 500;
/** A name of a variable that the shell accepts. */
const NAME = /^[A-Za-z_]\w*$/;

/** A shell that reads code from its standard input, and reports the status of each piece on descriptor 3. */
export class BashKernel implements Kernel {
  readonly watched: number;
  readonly ready: Promise<void>;
  onExit: (exit: KernelExit) => void = () => undefined;
  readonly #shell: KernelProcess;
  readonly #output: RawOutput;
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers();
  #listener: KernelListener | undefined;
  #reported = "";
  #count = 0;
  /** The line that has the shell report the status of the last piece. */
  #report = "";
  #again: NodeJS.Timeout | undefined;
  #reason: string | undefined;
  #kills = 0;

  constructor(shell: KernelProcess) {
    this.#shell = shell;
    this.watched = shell.pid;
    this.#output = new RawOutput(shell.stdout, shell.stderr);
    this.ready = this.#started.promise;
    this.ready.catch(() => undefined);
    shell.frames.setEncoding("latin1").on("data", (text: string) => this.#hear(text));
    shell.process.on("exit", (code, signal) => this.#exited(code, signal));
    this.#write(SETUP);
  }

  execute(
    code: string,
    envs: Readonly<Record<string, string>> | undefined,
    listener: KernelListener,
  ): void {
    this.#listener = listener;
    this.#kills = oomKills();
    this.#count++;
    listener.output(numberLine(this.#count));
    listener.flush();
    this.#output.begin({
      output: (piece) => listener.output(withoutWrapping(piece)),
      error: (line) => listener.error(line),
      end: () => listener.end(),
      flush: () => listener.flush(),
    });
    const { set, restore } = variables(envs);
    const [run, report] = cellLines(code, this.#count);
    this.#report = report;
    this.#write(`${set}${run}`);
    this.#write(report);
    if (restore !== "") this.#write(restore);
  }

  /** A shell misses an interrupt that comes while it starts a program, and one may end what was to report. */
  interrupt(): void {
    this.#signal("SIGINT");
    clearInterval(this.#again);
    this.#again = setInterval(() => {
      this.#signal("SIGINT");
      this.#write(this.#report);
    }, INTERRUPT_MS);
    this.#again.unref();
  }

  kill(reason?: string): void {
    this.#reason ??= reason;
    this.#signal("SIGKILL");
  }

  restored(envs: Readonly<Record<string, string>>): void {
    const names = Object.entries(envs).filter(([name]) => NAME.test(name));
    // A shell's $RANDOM is seeded once; copies of the shell must differ.
    const seed = "RANDOM=$(od -An -N4 -tu4 /dev/urandom)";
    const exports = names.map(([name, value]) => `export ${name}=${quoted(value)}`);
    this.#write([seed, ...exports].join("; "));
  }

  async reset(): Promise<void> {}

  pause(): void {
    this.#output.pause();
  }

  resume(): void {
    this.#output.resume();
  }

  #write(line: string): void {
    this.#shell.process.stdin!.write(`${line}\n`);
  }

  #hear(text: string): void {
    this.#reported = (this.#reported + text).slice(-MAX_REPORT);
    const lines = this.#reported.split("\n");
    this.#reported = lines.pop()!;
    for (const line of lines) {
      if (line === "ready") this.#begin();
      else if (line.startsWith(`${this.#count} `) && /^\d+ \d+$/.test(line))
        this.#finish(Number(line.split(" ")[1]));
    }
  }

  /** Drops what an interactive shell says about having no terminal. */
  #begin(): void {
    this.#output.end(() => {
      this.#output.discard();
      this.#started.resolve();
    });
  }

  #finish(status: number): void {
    const listener = this.#listener;
    this.#listener = undefined;
    clearInterval(this.#again);
    if (listener === undefined) return;
    this.#output.end(() => {
      if (status !== 0) listener.error(statusLine(status));
      listener.end();
      listener.flush();
    });
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    clearInterval(this.#again);
    this.#signal("SIGKILL");
    this.#started.reject(new Error("the shell ended while it was starting"));
    const outOfMemory =
      signal === "SIGKILL" && this.#reason === undefined && oomKills() > this.#kills;
    this.#output.end(() => {
      this.#output.close();
      const exit = { code: code ?? undefined, signal: signal ?? undefined, reason: this.#reason };
      this.onExit({ ...exit, outOfMemory });
    });
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#shell.pid, signal);
    } catch {
      // The group is empty.
    }
  }
}

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

function statusLine(status: number): Buffer {
  const name = status > 128 ? SIGNALS.get(status - 128) : undefined;
  const value = `exit status ${status}${name === undefined ? "" : ` (ended by ${name})`}`;
  const line = { type: "error", name: "ExitStatus", value, traceback: `ExitStatus: ${value}` };
  return Buffer.from(`${JSON.stringify(line)}\n`);
}

/** Commands that set variables for one piece of code, and commands that restore them. */
function variables(envs: Readonly<Record<string, string>> | undefined): {
  readonly set: string;
  readonly restore: string;
} {
  let [set, restore] = ["", ""];
  for (const [name, value] of Object.entries(envs ?? {})) {
    if (!NAME.test(name)) continue;
    const saved = `__emberbox_${name}`;
    set += `${saved}=$(declare -p ${name} 2>/dev/null); export ${name}=${quoted(value)}; `;
    restore += `unset ${name}; eval "\${${saved}/#declare /declare -g }"; unset ${saved}; `;
  }
  return { set, restore };
}
