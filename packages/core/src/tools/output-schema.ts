import { z } from "zod";
import type { ToolProgress, ToolResult } from "./types.ts";

const fields = { tool: z.string() };

const progress = z.looseObject({
  status: z.literal("running"),
  ...fields,
  stdout: z.string(),
  stderr: z.string(),
  outputBytes: z.number(),
  elapsedMs: z.number(),
});

const picture = z.looseObject({
  mimeType: z.string(),
  base64: z.string(),
  sizeBytes: z.number(),
});

const file = z.looseObject({
  path: z.string(),
  mimeType: z.string(),
  sizeBytes: z.number(),
  change: z.string(),
});

const result = z.looseObject({
  status: z.literal("done"),
  ...fields,
  isError: z.boolean(),
  text: z.string(),
  pictures: z.array(picture),
  files: z.array(file),
  data: z.looseObject({ durationMs: z.number() }),
});

/** What a call returns, while it runs and at its end, for checking values that come from a client or a store. */
export const toolOutputSchema: z.ZodType<ToolProgress | ToolResult> = z.discriminatedUnion(
  "status",
  [progress, result],
) as unknown as z.ZodType<ToolProgress | ToolResult>;
