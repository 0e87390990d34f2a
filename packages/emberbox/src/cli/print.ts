import { safeJson } from "@emberbox/core/terminal";

/** Prints a value as JSON that a person can read, too. */
export function printJson(value: object): void {
  process.stdout.write(`${safeJson(JSON.stringify(value, undefined, 2))}\n`);
}

export const inMiB = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
