import type { Result } from "../interpreter/execution.ts";
import type { ToolRun } from "./definition.ts";
import { pictureProblem } from "./gate.ts";
import { keep, keptIn } from "./keep.ts";
import { formatBytes, pictureType } from "./mime.ts";
import type { ToolFile, ToolPicture } from "./types.ts";

export interface Pictures {
  readonly pictures: ToolPicture[];
  readonly files: ToolFile[];
  /** One line of text for each. */
  readonly notes: string[];
}

/**
 * The pictures among results. Those that are too large, too many, or of a kind that models cannot see are saved to
 * files.
 */
export async function picturesOf(results: readonly Result[], run: ToolRun): Promise<Pictures> {
  const found: Pictures = { pictures: [], files: [], notes: [] };
  for (const { png, jpeg, svg, pdf } of results) {
    const base64 = png ?? jpeg;
    if (base64 !== undefined) await add(found, Buffer.from(base64, "base64"), run);
    else if (svg !== undefined) await leave(found, Buffer.from(svg), "svg", "image/svg+xml", run);
    else if (pdf !== undefined) {
      await leave(found, Buffer.from(pdf, "base64"), "pdf", "application/pdf", run);
    }
  }
  return found;
}

async function add(found: Pictures, bytes: Buffer, run: ToolRun): Promise<void> {
  const mimeType = pictureType(bytes);
  const ending = mimeType?.slice("image/".length) ?? "bin";
  const problem = pictureProblem(bytes, run.limits) ?? tooMany(found, bytes, run);
  if (mimeType === undefined || problem !== undefined) {
    return leave(found, bytes, ending, mimeType ?? "application/octet-stream", run, problem);
  }
  found.pictures.push(pictureFrom(bytes, mimeType));
  found.notes.push(`[picture ${found.pictures.length}: ${mimeType}, ${formatBytes(bytes.length)}]`);
}

function tooMany({ pictures }: Pictures, bytes: Buffer, { limits }: ToolRun): string | undefined {
  const total = pictures.reduce((sum, { sizeBytes }) => sum + sizeBytes, bytes.length);
  if (pictures.length < limits.maxPictures && total <= limits.maxTotalPictureBytes)
    return undefined;
  return "since a result has no room for more";
}

async function leave(
  found: Pictures,
  bytes: Buffer,
  ending: string,
  mimeType: string,
  run: ToolRun,
  problem: string = "which models cannot see",
): Promise<void> {
  const file = await keep(run, `picture.${ending}`, mimeType, bytes);
  if (file !== undefined) found.files.push(file);
  found.notes.push(`[a picture that is not shown, ${mimeType}, ${problem}: ${keptIn(file)}]`);
}

export function pictureFrom(bytes: Uint8Array, mimeType: string, path?: string): ToolPicture {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  return { mimeType, base64, sizeBytes: bytes.length, ...(path !== undefined && { path }) };
}

/** A picture as a `data:` URL. */
export function pictureDataUrl({ mimeType, base64 }: ToolPicture): string {
  return `data:${mimeType};base64,${base64}`;
}
