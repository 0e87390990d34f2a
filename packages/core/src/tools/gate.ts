import { formatBytes } from "./mime.ts";
import { pictureFacts } from "./picture-facts.ts";
import { commonLimits } from "./provider-limits.ts";
import type { ToolPicture } from "./types.ts";

/**
 * What gets into a conversation passes here. A provider that refuses one result refuses the whole conversation from
 * then on, so nothing passes that any of them is known to refuse.
 */

/**
 * Why a picture may not be shown to models, as the rest of a sentence; `undefined` when it may. It may have as many
 * bytes as every provider takes, unless told otherwise.
 */
export function pictureProblem(
  bytes: Uint8Array,
  maxBytes: number = commonLimits.maxBytes,
): string | undefined {
  if (bytes.length > maxBytes) {
    return `larger than the ${formatBytes(maxBytes)} that can be shown; make a smaller copy with code, and read that`;
  }
  const facts = pictureFacts(bytes);
  if (facts === undefined) return "which is damaged or no picture that models can see";
  const { mimeType, width, height, animated } = facts;
  if (!commonLimits.types.includes(mimeType) || (animated && !commonLimits.animated)) {
    return `which not all models can see; save it as ${animated ? "a single PNG" : "PNG"} with code, and read that`;
  }
  if (Math.max(width, height) > commonLimits.maxSide) {
    return `larger than the ${commonLimits.maxSide} pixels a side that models take (${width} × ${height}); make a smaller copy with code, and read that`;
  }
  return undefined;
}

/** Whether a picture that comes from outside, such as a saved conversation, is of a type that models take. */
export function isShowable({ mimeType }: Pick<ToolPicture, "mimeType">): boolean {
  return commonLimits.types.includes(mimeType);
}

/** Text as it may be sent: with visible signs for NUL and halves of characters, and never blank. */
export function presentable(text: string): string {
  const clean = withoutRefused(text);
  return clean.trim() === "" ? "(no output)" : clean;
}

/** The same value without what no provider or database takes in any of its texts and names: NUL, half characters. */
export function withoutRefused<Value>(value: Value): Value {
  return clean(value) as Value;
}

function clean(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed().replaceAll("\0", "␀");
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [clean(name) as string, clean(field)]),
  );
}
