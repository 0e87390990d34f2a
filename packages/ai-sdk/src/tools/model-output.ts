import type { ToolResultPart } from "ai";
import { isShowable, toolOutputSchema } from "@emberbox/core/tools";
import { marked } from "./place.ts";
import type { SandboxPicture, StoredPictures } from "./pictures.ts";

export type ModelOutput = ToolResultPart["output"];

/**
 * What the model gets: text, and pictures as `file` parts. The SDK calls this again on every turn with whatever a
 * client sent back, so it must accept an output of any shape.
 */
export function modelOutput(
  output: unknown,
  pictures: boolean,
  stored?: StoredPictures,
): ModelOutput {
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
  const shown = pictures ? result.pictures.flatMap((picture) => filePart(picture, stored)) : [];
  const place = marked(result.data.position);
  if (shown.length === 0) return { type: isError ? "error-text" : "text", value: text, ...place };
  return { type: "content", value: [{ type: "text", text, ...place }, ...shown] };
}

type FilePart = Extract<
  Extract<ModelOutput, { type: "content" }>["value"][number],
  { type: "file" }
>;

/** A URL is never passed on: it comes from the client, and the SDK would fetch it. */
function filePart(picture: SandboxPicture, stored: StoredPictures | undefined): FilePart[] {
  const { mimeType, base64, url } = picture;
  const bytes = base64 === "" && typeof url === "string" ? stored?.bytes(url) : base64;
  if (!isShowable(picture) || !bytes) return [];
  return [{ type: "file", mediaType: mimeType, data: { type: "data", data: bytes } }];
}
