/** A change to a piece of code. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The code between two places, changed; lines that edits take away stay as empty ones. */
export function edited(
  code: string,
  edits: readonly Edit[],
  start: number = 0,
  end: number = code.length,
): string {
  let text = "";
  let place = start;
  const inside = edits.filter((edit) => start <= edit.start && edit.end <= end);
  for (const edit of inside.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    const taken = code.slice(edit.start, edit.end).split("\n").length;
    const lines = taken - edit.text.split("\n").length;
    text += code.slice(place, edit.start) + edit.text + "\n".repeat(Math.max(0, lines));
    place = edit.end;
  }
  return text + code.slice(place, end);
}
