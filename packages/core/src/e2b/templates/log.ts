import { z } from "zod";
import type { TemplateLog } from "../../template-request.ts";

/** A line of a build's log. */
export const entrySchema: z.ZodType<LogEntry> = z
  .object({ level: z.string(), message: z.string(), step: z.string().nullish() })
  .transform(({ level, message, step }) => ({ level, message, step: step ?? undefined }));

export interface LogEntry {
  readonly level: string;
  readonly message: string;
  /** A step's number; other words before the first and after the last. */
  readonly step?: string | undefined;
}

/** How services announce a step, and that it is not done again. */
const STEP = /^(CACHED )?\[(?:builder )?(\d+)\/(\d+)(, as it was built before)?\] (.*)$/s;

/** What a line says, as far as services say it in the same way. */
export function readEntry({ level, message, step }: LogEntry): TemplateLog {
  const begun = STEP.exec(message);
  if (begun !== null) {
    const [, cached, number, count, before, text = ""] = begun;
    const isCached = cached !== undefined || before !== undefined;
    return { type: "step", step: Number(number), steps: Number(count), text, isCached };
  }
  if (step === undefined || !/^\d+$/.test(step)) return { type: "progress", text: message };
  const stream = level === "warn" || level === "error" ? "stderr" : "stdout";
  return { type: "output", stream, text: `${message}\n` };
}
