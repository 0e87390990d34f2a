import { EmberboxError } from "../errors.ts";
import type { ToolLimits } from "./definition.ts";
import { explainFailure } from "./failure.ts";
import { formatDuration } from "./mime.ts";

export interface RunLimit {
  readonly timeoutMs: number;
  /** Text to append to the result. */
  readonly note: string;
}

/** How long a call may run, and what to say when it asked for more. */
export function runLimit(
  asked: number | undefined,
  { timeoutMs, maxTimeoutMs }: ToolLimits,
): RunLimit {
  if (asked === undefined) return { timeoutMs, note: "" };
  if (asked <= maxTimeoutMs) return { timeoutMs: asked, note: "" };
  const note = `\n\n(The time limit was ${formatDuration(maxTimeoutMs)}, the most there is.)`;
  return { timeoutMs: maxTimeoutMs, note };
}

/** True when code or a command ran into its time limit or the sandbox's memory limit. */
export function wasStopped(error: unknown): error is EmberboxError {
  return (
    EmberboxError.isInstance(error) && (error.code === "timeout" || error.code === "out_of_memory")
  );
}

/** Explains, for a model, how code or a command was ended early. */
export function endingText(
  failure: EmberboxError,
  what: "code" | "command",
  timeoutMs: number,
  replaced: boolean = true,
): string {
  if (!wasStopped(failure)) return explainFailure(failure, replaced).text;
  const { restarted } = failure.details;
  const state =
    what === "command"
      ? ""
      : restarted === true
        ? " The interpreter was started afresh: its variables are lost, files are kept."
        : " Variables and files are kept.";
  const advice =
    failure.code === "timeout"
      ? " Do less in one call, ask for a longer `timeout_ms`, or run it in the background."
      : " Use less memory at a time, such as smaller pieces of the data.";
  const happened =
    failure.code === "timeout"
      ? `The ${what} did not end within its time limit of ${formatDuration(timeoutMs)} and was stopped.`
      : failure.message.replace(/\.?$/, ".");
  return `${happened}${state}${advice}`;
}
