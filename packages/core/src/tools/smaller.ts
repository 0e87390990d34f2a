import { randomBytes } from "node:crypto";
import type { Sandbox } from "../sandbox.ts";
import { pictureProblem } from "./gate.ts";
import { readBeginning } from "./lines.ts";
import { pictureFacts } from "./picture-facts.ts";
import { commonLimits } from "./provider-limits.ts";

/** A copy of a picture that models take. */
export interface SmallerPicture {
  readonly mimeType: string;
  readonly bytes: Uint8Array;
  /** What the model must know of it, in words: its size, and that of the original. */
  readonly note: string;
}

/** Which picture, as whom, and how large the copy may be. */
export interface SmallerPictureOptions {
  readonly maxBytes: number;
  readonly user?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Machines without KVM take ten seconds for what takes others half of one. */
const TIMEOUT_MS = 30_000;
/** With them, the program needs some 300 MB. */
const MAX_PIXELS = 50_000_000;

/**
 * Runs in the sandbox: whatever the picture does to the program that decodes it, it does there. Prints the size and the
 * number of frames. When memory runs out, it is what ends, rather than the agent's own programs.
 */
const PROGRAM = `
import io, os, sys
with open("/proc/self/oom_score_adj", "w") as score:
    score.write("1000")
from PIL import Image, ImageOps
source, target = os.environ["SOURCE"], os.environ["TARGET"]
side, size, pixels = (int(os.environ[name]) for name in ("SIDE", "SIZE", "PIXELS"))
picture = Image.open(source)
if picture.width * picture.height > pixels:
    sys.exit("There are too many pixels.")
print(picture.width, picture.height, getattr(picture, "n_frames", 1))
# A picture that has too many bytes would have too many as PNG, which also takes long to make.
lossless = picture.format != "JPEG" and os.path.getsize(source) <= size
picture.draft("RGB", (side, side))
picture = ImageOps.exif_transpose(picture)
if picture.mode.startswith("I"):
    # 16 bits of grey.
    picture = picture.convert("I").point(lambda value: value * (1 / 256) + 0).convert("L")
transparent = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
picture = picture.convert("RGBA" if transparent else "RGB")
longest = min(side, max(picture.size))
for percent in (100, 70, 50, 35):
    copy = picture.copy()
    copy.thumbnail((max(1, longest * percent // 100),) * 2)
    for kind in ("PNG", "JPEG") if lossless else ("JPEG",):
        if kind == "JPEG" and copy.mode == "RGBA":
            copy = Image.alpha_composite(Image.new("RGBA", copy.size, "white"), copy).convert("RGB")
        out = io.BytesIO()
        copy.save(out, kind, quality=85)
        if out.tell() <= size:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(out.getvalue())
            sys.exit()
sys.exit("No copy is small enough.")
`;

/**
 * Makes a copy of a picture in a sandbox that models take, with the sandbox's own Python; `undefined` where that is not
 * possible: without Python and Pillow, and for pictures that are damaged or have more than 50 million pixels.
 */
export async function smallerPicture(
  sandbox: Sandbox,
  path: string,
  { maxBytes, user, signal }: SmallerPictureOptions,
): Promise<SmallerPicture | undefined> {
  const target = `/tmp/tool-output/${randomBytes(4).toString("hex")}-smaller`;
  const as = { signal, ...(user !== undefined && { user }) };
  try {
    // Isolated: a file of the agent's that is named like a module is not loaded.
    const { exitCode, stdout } = await sandbox.commands.run('python3 -I -c "$PROGRAM"', {
      ...as,
      timeoutMs: TIMEOUT_MS,
      envs: {
        PROGRAM,
        SOURCE: path,
        TARGET: target,
        SIDE: String(commonLimits.maxSide),
        SIZE: String(maxBytes),
        PIXELS: String(MAX_PIXELS),
      },
    });
    const [, width, height, frames] = /^(\d{1,6}) (\d{1,6}) (\d{1,6})$/m.exec(stdout) ?? [];
    if (exitCode !== 0 || frames === undefined) return undefined;
    const stream = await sandbox.files.read(target, { ...as, format: "stream" });
    const bytes = await readBeginning(stream, maxBytes + 1);
    await sandbox.files.remove(target, as);
    const facts = pictureFacts(bytes);
    // It came out of the sandbox: it passes the gate as all pictures do.
    if (facts === undefined || pictureProblem(bytes, maxBytes) !== undefined) return undefined;
    const first = frames === "1" ? "" : `, and ${frames} frames, of which this is the first`;
    const note = `a copy that fits: ${facts.width} × ${facts.height} pixels; the original has ${width} × ${height}${first}`;
    return { mimeType: facts.mimeType, bytes, note };
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}
