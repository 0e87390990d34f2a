/** Parses a file of ours; `undefined` when it was truncated or changed and is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
