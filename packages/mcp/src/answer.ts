import type { CallToolResult } from "@modelcontextprotocol/server";
import type { CheckpointAnswer, ToolOptions, ToolResult } from "@emberbox/core/tools";

/** Several clients throw a larger result away, text and all. */
const MAX_RESULT_BYTES = 1024 * 1024;

/** Options of tools whose pictures fit into a result, text included; larger ones are saved to files. */
export function fittingPictures(options: ToolOptions): ToolOptions {
  return { maxTotalPictureBytes: 700_000, ...options };
}

/** A result for a client. What makes it too large is left out, and the text says so. */
export function answer(result: ToolResult, structured: boolean): CallToolResult {
  const { charts, tables, ...data } = result.data;
  const { pictures } = result;
  const whole = form(result, structured);
  if (fits(whole)) return whole;
  const plain = { ...result, data: charts || tables ? { ...data, truncated: true } : data };
  for (let kept = pictures.length; kept >= 0; kept -= 1) {
    const note =
      kept === pictures.length
        ? ""
        : `\n\n(Of ${pictures.length} pictures ${kept} are shown: a result may have 1 MB in all. Make smaller ones with code.)`;
    const less = { ...plain, text: result.text + note, pictures: pictures.slice(0, kept) };
    const shown = form(less, structured);
    if (fits(shown) || kept === 0) return shown;
  }
  return whole;
}

function form(
  { text, isError, pictures, files, data }: ToolResult,
  structured: boolean,
): CallToolResult {
  const images = pictures.map(({ base64, mimeType }) => ({
    type: "image" as const,
    data: base64,
    mimeType,
  }));
  return {
    content: [{ type: "text", text }, ...images],
    isError,
    ...(structured && { structuredContent: { text, files, data } }),
    ...metaOf(data),
  };
}

/** For programs: no client shows it to a model. */
function metaOf({ checkpointId, position }: ToolResult["data"]): Pick<CallToolResult, "_meta"> {
  if (checkpointId === undefined) return {};
  const after = position && { "emberbox/position": { ...position } };
  return { _meta: { "emberbox/checkpoint": checkpointId, ...after } };
}

export function checkpointAnswer({ text, isError }: CheckpointAnswer): CallToolResult {
  return { content: [{ type: "text", text }], isError };
}

function fits(result: CallToolResult): boolean {
  return Buffer.byteLength(JSON.stringify(result)) <= MAX_RESULT_BYTES;
}
