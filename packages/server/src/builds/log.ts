import type { TemplateLog } from "@emberbox/core/template";

/** A line of a build's log, in E2B's form. */
export interface LogEntry {
  readonly timestamp: string;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  /** `base` before the first step, then the step's number, and `finalize` after the last. */
  readonly step: string;
}

const MOST_ENTRIES = 10_000;
const MOST_CHARACTERS = 4 * 1024 * 1024;
/** Longer lines are cut into several. */
const LINE_CHARACTERS = 4096;
const PAGE = 100;

type Stream = "stdout" | "stderr";
const streams: readonly Stream[] = ["stdout", "stderr"];

/**
 * What a build has said, line by line. Clients count what they have read, so nothing that was kept is dropped later:
 * when it is full, no more output is kept, while steps and what the server has to say still are.
 */
export class BuildLog {
  /** Where the build is. */
  step = "base";
  readonly #entries: LogEntry[] = [];
  readonly #unfinished = { stdout: "", stderr: "" };
  #characters = 0;
  #isFull = false;
  #isLastStep = false;

  add(log: TemplateLog): void {
    if (log.type === "output") return this.#output(log.stream, log.text);
    this.#finishLines();
    if (log.type === "progress") {
      if (this.#isLastStep) this.step = "finalize";
      return this.#put("info", log.text.slice(0, LINE_CHARACTERS));
    }
    this.step = String(log.step);
    this.#isLastStep = log.step === log.steps;
    const cached = log.isCached ? ", as it was built before" : "";
    const text = log.text.length > 500 ? `${log.text.slice(0, 500)}…` : log.text;
    this.#put("info", `[${log.step}/${log.steps}${cached}] ${text}`);
  }

  /** The last words. */
  end(level: "info" | "error", message: string): void {
    this.#finishLines();
    this.#put(level, message.slice(0, LINE_CHARACTERS));
  }

  all(): readonly LogEntry[] {
    return this.#entries;
  }

  page(offset: number): LogEntry[] {
    return this.#entries.slice(offset, offset + PAGE);
  }

  /** The last lines of the step where the build is. */
  tail(count: number): LogEntry[] {
    return this.#entries.filter(({ step }) => step === this.step).slice(-count);
  }

  #output(stream: Stream, text: string): void {
    if (this.#isFull) return;
    // Bars of progress begin a line anew with a carriage return.
    const lines = (this.#unfinished[stream] + text).split(/\r\n|\n|\r/);
    this.#unfinished[stream] = lines.pop()!;
    for (const line of lines) this.#line(stream, line);
    const unfinished = this.#unfinished[stream];
    if (unfinished.length <= LINE_CHARACTERS) return;
    this.#unfinished[stream] = "";
    this.#line(stream, unfinished);
  }

  #finishLines(): void {
    for (const stream of streams) {
      const unfinished = this.#unfinished[stream];
      this.#unfinished[stream] = "";
      this.#line(stream, unfinished);
    }
  }

  #line(stream: Stream, line: string): void {
    for (let at = 0; at < line.length && !this.#isFull; at += LINE_CHARACTERS) {
      const message = line.slice(at, at + LINE_CHARACTERS);
      this.#isFull =
        this.#entries.length >= MOST_ENTRIES || this.#characters + message.length > MOST_CHARACTERS;
      if (this.#isFull) this.#put("warn", "The log is full: what commands print is no longer kept");
      else this.#put(stream === "stderr" ? "warn" : "info", message);
    }
  }

  #put(level: LogEntry["level"], message: string): void {
    this.#characters += message.length;
    this.#entries.push({ timestamp: new Date().toISOString(), level, message, step: this.step });
  }
}
