/** What a file of ours holds, or `undefined` when it was cut or changed and is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
