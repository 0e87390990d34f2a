import { randomBytes } from "node:crypto";

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Letters and digits, each as likely as the others. */
export function randomLetters(count: number): string {
  // 252 is the largest multiple of 36 that a byte holds: above it letters would not be equally likely.
  const letters = [...randomBytes(count * 3)].filter((byte) => byte < 252);
  return letters
    .map((byte) => LETTERS[byte % 36])
    .join("")
    .slice(0, count);
}

/** `i` and 20 letters or digits: E2B's form, which a host name can begin with. */
export const newSandboxId = (): string => `i${randomLetters(20)}`;
