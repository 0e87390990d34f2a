import { spawn } from "node:child_process";
import { once } from "node:events";
import { forTerminal, hasColours } from "./colours.ts";

/**
 * Shows a diff: on a terminal in colours and through `$PAGER` (by default less), elsewhere as it is, so that it can be
 * applied as a patch.
 */
export async function showDiff(diff: string): Promise<void> {
  if (!process.stdout.isTTY) return write(diff);
  const text = forTerminal(diff, hasColours(process.stdout));
  const pager = process.env["PAGER"] ?? "less";
  if (pager === "" || pager === "cat" || !(await paged(text, pager))) await write(text);
}

const write = (text: string): Promise<void> =>
  new Promise((resolve) => void process.stdout.write(text, () => resolve()));

const ignore = (): void => {};

/** False when there is no such program. */
async function paged(text: string, pager: string): Promise<boolean> {
  const child = spawn("sh", ["-c", pager], {
    stdio: ["pipe", "inherit", "inherit"],
    // As git: less ends at once where all fits, leaves it on the screen, and passes colours on.
    env: { LESS: "FRX", ...process.env },
  });
  const ended = once(child, "close");
  // Ctrl-C is for the pager, and whoever leaves it early reads no more.
  process.on("SIGINT", ignore);
  child.stdin.on("error", ignore);
  child.stdin.end(text);
  try {
    const [code] = (await ended) as [number | null];
    return code !== 127;
  } catch {
    return false;
  } finally {
    process.off("SIGINT", ignore);
  }
}
