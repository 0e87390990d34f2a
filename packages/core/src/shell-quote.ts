/** A word of a command line that means exactly this text. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command line of these words. */
export const shellLine = (words: readonly string[]): string => words.map(quote).join(" ");
