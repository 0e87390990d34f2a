import type { ToolResultPart } from "ai";
import { toolOutputSchema, type ToolPicture } from "@emberbox/core/tools";

export type ModelOutput = ToolResultPart["output"];

/**
 * What the model gets: text, and pictures as `file` parts. The SDK calls this again on every turn with what a client
 * sent back, so an output of any shape has an answer.
 */
export function modelOutput(output: unknown, pictures: boolean): ModelOutput {
  const parsed = toolOutputSchema.safeParse(output);
  if (!parsed.success) {
    return { type: "error-text", value: "The result of this call could not be read." };
  }
  const result = parsed.data;
  if (result.status === "running") {
    const { stdout, stderr } = result;
    const value = `The call was stopped before it gave a result. The last of its output:\n${stdout}${stderr}`;
    return { type: "error-text", value };
  }
  const { text, isError } = result;
  const shown = pictures ? result.pictures.filter(isPicture) : [];
  if (shown.length === 0) return { type: isError ? "error-text" : "text", value: text };
  return { type: "content", value: [{ type: "text", text }, ...shown.map(filePart)] };
}

type FilePart = Extract<
  Extract<ModelOutput, { type: "content" }>["value"][number],
  { type: "file" }
>;

function filePart({ mimeType, base64 }: ToolPicture): FilePart {
  return { type: "file", mediaType: mimeType, data: { type: "data", data: base64 } };
}

function isPicture({ mimeType, base64 }: ToolPicture): boolean {
  return mimeType.startsWith("image/") && base64 !== "";
}
