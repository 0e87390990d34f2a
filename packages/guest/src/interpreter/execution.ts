import type { ServerResponse } from "node:http";
import type { KernelListener } from "./language.ts";
import { END_LINE, failureLine, type Failure, KEEPALIVE_LINE, textLine } from "./lines.ts";

/** How long an interrupt may be ignored before the kernel is replaced, in ms: a busy machine may take seconds over one. */
const GRACE_MS = 10_000;
/** How often a silent execution sends a sign of life, in ms. */
const KEEPALIVE_MS = 5000;
/** How long the answer's head and its first line wait for more, in ms: most cells are over by then, in one write. */
const HEAD_MS = 100;
/** How much is kept for a slow reader after the code was told to stop, in bytes. */
const MAX_TAIL_BYTES = 4 * 1024 * 1024;
const NEWLINE = 10;

export interface ExecutionRequest {
  readonly code: string;
  readonly envs: Readonly<Record<string, string>> | undefined;
  /** From the request's arrival, in ms; 0 for no limit. */
  readonly timeoutMs: number;
  readonly reportFiles: boolean;
}

/** What an execution may do to the kernel it runs in. */
export interface ExecutionControl {
  interrupt(): void;
  /** Replaces the kernel; the execution has nothing more to report. */
  replace(): void;
  pause(): void;
  resume(): void;
  /** Removes an execution that has not begun from the queue. */
  withdraw(): void;
  /** The execution is over, and the kernel is free for the next. */
  finished(): void;
}

/** One request to run code, from its arrival until its response has ended and the kernel is free again. */
export class Execution implements KernelListener {
  readonly request: ExecutionRequest;
  readonly #response: ServerResponse;
  #control: ExecutionControl | undefined;
  #state: "queued" | "running" | "stopping" | "over" = "queued";
  #answered = false;
  #timedOut = false;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #isHeld = true;
  #lineOpen = false;
  #head: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;
  #keepalive: NodeJS.Timeout | undefined;
  #traceback: string | undefined;

  constructor(request: ExecutionRequest, response: ServerResponse) {
    this.request = request;
    this.#response = response;
  }

  /** Starts the clocks and the answer; called when the execution joins its context's queue. */
  attach(control: ExecutionControl): void {
    this.#control = control;
    this.#head = setTimeout(() => this.#release(), HEAD_MS);
    this.#response.on("close", () => this.#disconnected());
    this.#response.on("drain", () => control.resume());
    if (this.request.timeoutMs > 0)
      this.#deadline = setTimeout(() => this.#expire(), this.request.timeoutMs);
  }

  /** The kernel runs the code now. */
  begin(): void {
    this.#state = "running";
  }

  /** Whether it runs, and nobody has told it to stop. */
  get isWanted(): boolean {
    return this.#state === "running";
  }

  output(piece: Buffer): void {
    if (this.#answered) return;
    if (this.#state === "stopping" && this.#response.writableLength > MAX_TAIL_BYTES) return;
    // The first line is only the number of the execution.
    if (this.#pendingBytes > 0) this.#isHeld = false;
    this.#pending.push(piece);
    this.#pendingBytes += piece.length;
    this.#lineOpen = piece[piece.length - 1] !== NEWLINE;
  }

  error(line: Buffer): void {
    if (this.#timedOut) this.#traceback ??= tracebackOf(line);
    else this.output(line);
  }

  flush(): void {
    if (this.#pendingBytes === 0 || this.#isHeld || this.#answered) return;
    const more = this.#response.write(this.#takePending());
    this.#keepalive?.refresh();
    if (!more && this.#state === "running") this.#control!.pause();
  }

  /** However long the code is silent: clients give up on a server that does not answer. */
  #release(): void {
    this.#isHeld = false;
    if (this.#answered) return;
    this.#response.flushHeaders();
    this.flush();
    this.#keepalive = setInterval(() => this.#keepAlive(), KEEPALIVE_MS);
  }

  end(): void {
    if (this.#timedOut) this.#fail(this.#timeout(false));
    this.#finish();
  }

  /** The kernel is gone, or never started. */
  fail(failure: Failure, stdout?: string, stderr?: string): void {
    if (stdout) this.#append(textLine("stdout", stdout));
    if (stderr) this.#append(textLine("stderr", stderr));
    this.#fail(this.#timedOut ? this.#timeout(true) : failure);
    this.#finish();
  }

  #finish(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    clearTimeout(this.#grace);
    this.#answer();
    this.#control!.resume();
    this.#control!.finished();
  }

  /** Ends the response; the kernel may still be busy stopping. */
  #answer(): void {
    clearTimeout(this.#head);
    clearTimeout(this.#deadline);
    clearInterval(this.#keepalive);
    if (this.#answered) return;
    this.#append(END_LINE);
    this.#answered = true;
    this.#response.end(this.#takePending());
  }

  #expire(): void {
    if (this.#state === "queued") {
      this.#control!.withdraw();
      this.#fail(this.#timeout(false));
      this.#state = "over";
      this.#answer();
      return;
    }
    this.#timedOut = true;
    this.#stop();
  }

  #disconnected(): void {
    if (this.#answered) return;
    this.#answered = true;
    clearTimeout(this.#head);
    clearTimeout(this.#deadline);
    clearInterval(this.#keepalive);
    if (this.#state === "queued") {
      this.#state = "over";
      this.#control!.withdraw();
    } else {
      this.#stop();
    }
  }

  #stop(): void {
    if (this.#state !== "running") return;
    this.#state = "stopping";
    const control = this.#control!;
    this.#grace = setTimeout(() => {
      if (this.#timedOut) this.#fail(this.#timeout(true));
      this.#answer();
      this.#state = "over";
      control.replace();
    }, GRACE_MS);
    control.resume();
    control.interrupt();
  }

  #timeout(restarted: boolean): Failure {
    const { timeoutMs } = this.request;
    const value =
      this.#state === "queued"
        ? `Not started within ${timeoutMs} ms: an earlier execution still runs in this context, or its kernel is still starting.`
        : restarted
          ? `Stopped after ${timeoutMs} ms. The code ignored the interrupt, so the kernel was replaced; its variables are lost.`
          : `Interrupted after ${timeoutMs} ms. The kernel and its variables live on.`;
    const traceback = this.#traceback === undefined ? {} : { traceback: this.#traceback };
    return { name: "TimeoutError", value, reason: "timeout", restarted, ...traceback };
  }

  #fail(failure: Failure): void {
    this.#append(failureLine(failure));
  }

  /** Appends a line of the agent's own, after closing what a kernel left unfinished. */
  #append(line: Buffer): void {
    if (this.#answered) return;
    if (this.#lineOpen) this.#pending.push(Buffer.from("\n"));
    this.#lineOpen = false;
    this.#pending.push(line);
    this.#pendingBytes += line.length;
  }

  #takePending(): Buffer {
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    return pending.length === 1 ? pending[0]! : Buffer.concat(pending);
  }

  #keepAlive(): void {
    if (this.#lineOpen || this.#response.writableNeedDrain) return;
    this.#response.write(KEEPALIVE_LINE);
  }
}

function tracebackOf(line: Buffer): string | undefined {
  try {
    const { traceback } = JSON.parse(line.toString()) as { traceback?: unknown };
    return typeof traceback === "string" ? traceback : undefined;
  } catch {
    return undefined;
  }
}
