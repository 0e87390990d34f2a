import { stripVTControlCharacters } from "node:util";

/** Text without colours, unless it goes to a terminal. */
export function plainUnlessTerminal(text: string, stream: { readonly isTTY?: boolean }): string {
  return stream.isTTY ? text : stripVTControlCharacters(text);
}
