import type { Result } from "../interpreter/execution.ts";
import type { ToolRun } from "./definition.ts";
import { pictureProblem } from "./gate.ts";
import { keep, keptIn } from "./keep.ts";
import { formatBytes, pictureType } from "./mime.ts";
import { smallerPicture } from "./smaller.ts";
import type { ToolFile, ToolPicture } from "./types.ts";

export interface Pictures {
  readonly pictures: ToolPicture[];
  readonly files: ToolFile[];
  /** One line of text for each. */
  readonly notes: string[];
}

/**
 * The pictures among results. Of those that are too large or of a kind that not all models can see, a copy is made;
 * where that cannot be done, and for those that are too many, there is a note. The original is saved to a file.
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
  const room = roomFor(found, run);
  const problem = room === 0 ? "since a result has no room for more" : pictureProblem(bytes, room);
  if (mimeType !== undefined && problem === undefined) return show(found, bytes, mimeType);
  const type = mimeType ?? "application/octet-stream";
  const file = await keep(run, `picture.${mimeType?.slice("image/".length) ?? "bin"}`, type, bytes);
  const copy =
    file &&
    room > 0 &&
    (await smallerPicture(run.sandbox, file.path, { maxBytes: room, signal: run.signal }));
  if (!copy) return tell(found, type, file, problem);
  found.files.push(file);
  show(found, copy.bytes, copy.mimeType, `, ${copy.note}; ${keptIn(file)}`);
}

/** The most bytes that the next picture may have. */
function roomFor({ pictures }: Pictures, { limits }: ToolRun): number {
  if (pictures.length >= limits.maxPictures) return 0;
  const used = pictures.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return Math.max(0, Math.min(limits.maxPictureBytes, limits.maxTotalPictureBytes - used));
}

function show({ pictures, notes }: Pictures, bytes: Uint8Array, mimeType: string, note = ""): void {
  pictures.push(pictureFrom(bytes, mimeType));
  notes.push(`[picture ${pictures.length}: ${mimeType}, ${formatBytes(bytes.length)}${note}]`);
}

async function leave(
  found: Pictures,
  bytes: Buffer,
  ending: string,
  mimeType: string,
  run: ToolRun,
): Promise<void> {
  const file = await keep(run, `picture.${ending}`, mimeType, bytes);
  tell(found, mimeType, file);
}

function tell(
  { files, notes }: Pictures,
  mimeType: string,
  file: ToolFile | undefined,
  problem = "which models cannot see",
): void {
  if (file !== undefined) files.push(file);
  notes.push(`[a picture that is not shown, ${mimeType}, ${problem}: ${keptIn(file)}]`);
}

export function pictureFrom(bytes: Uint8Array, mimeType: string, path?: string): ToolPicture {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  return { mimeType, base64, sizeBytes: bytes.length, ...(path !== undefined && { path }) };
}

/** A picture as a `data:` URL. */
export function pictureDataUrl({ mimeType, base64 }: ToolPicture): string {
  return `data:${mimeType};base64,${base64}`;
}
