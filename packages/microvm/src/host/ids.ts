import { randomBytes } from "node:crypto";

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Letters and digits, all equally likely. */
export function randomLetters(count: number): string {
  // 252 is the largest multiple of 36 that fits into a byte: with more, letters would not be equally likely.
  const letters = [...randomBytes(count * 3)].filter((byte) => byte < 252);
  return letters
    .map((byte) => LETTERS[byte % 36])
    .join("")
    .slice(0, count);
}

/** `i` and 20 letters or digits: E2B's form, which can begin a host name. */
export const newSandboxId = (): string => `i${randomLetters(20)}`;
