import { ApiError } from "../api-error.ts";

/**
 * Reads the filter `k=v&k2=v2` of a listing. Clients escape names and values, and then the whole again, which decoding
 * the query has undone once.
 * @throws 400
 */
export function readMetadataFilter(text: string | undefined): Map<string, string> {
  const filter = new Map<string, string>();
  for (const pair of (text ?? "").split("&").filter(Boolean)) {
    const mark = pair.indexOf("=");
    if (mark < 0) throw new ApiError(400, "Invalid metadata filter: expected key=value");
    filter.set(unescape(pair.slice(0, mark)), unescape(pair.slice(mark + 1)));
  }
  return filter;
}

export function matches(
  metadata: Readonly<Record<string, string>>,
  filter: ReadonlyMap<string, string>,
): boolean {
  return [...filter].every(
    ([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value,
  );
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(decodeURIComponent(text.replaceAll("+", " ")));
  } catch {
    throw new ApiError(400, "Invalid metadata filter: it is not escaped as it should be");
  }
}
