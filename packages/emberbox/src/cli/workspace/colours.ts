import { plainText } from "@emberbox/core/terminal";

const RESET = "\u001B[0m";
const styles: readonly (readonly [RegExp, style: string])[] = [
  [/^(?:diff --git |index |--- |\+\+\+ |similarity |rename |(?:old|new|deleted) )/, "1"],
  [/^@@ /, "36"],
  [/^\+/, "32"],
  [/^-/, "31"],
];

/** Whether a terminal gets colours, which NO_COLOR takes away (no-color.org). */
export const hasColours = (stream: { readonly isTTY?: boolean }): boolean =>
  stream.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";

/** A diff for a terminal, which its text cannot steer. A carriage return is no beginning of a line. */
export function forTerminal(diff: string, inColours: boolean): string {
  const shown = (line: string): string => {
    const plain = plainText(line.replaceAll("\r", "\u240D"));
    const style = styles.find(([expression]) => expression.test(plain))?.[1];
    return style === undefined || !inColours ? plain : `\u001B[${style}m${plain}${RESET}`;
  };
  return diff.split("\n").map(shown).join("\n");
}
