import type { Readable } from "node:stream";

const KEPT_BYTES = 65_536;

/** The last lines a machine wrote to its console. */
export interface Console {
  tail(lines?: number): string;
  /** Why the agent gave up, if it said so. The kernel's panic, which follows, would push it out of the tail. */
  agentFailure(): string | undefined;
}

export function recordConsole(stream: Readable): Console {
  let text = "";
  stream.setEncoding("latin1");
  stream.on("data", (chunk: string) => {
    text = (text + chunk).slice(-KEPT_BYTES);
  });
  stream.on("error", () => {});
  return {
    tail: (lines = 20) => printable(text).trimEnd().split("\n").slice(-lines).join("\n"),
    agentFailure: () => /emberbox: the agent failed: (.{1,500})/.exec(printable(text))?.[1],
  };
}

/** Strips the firmware's escape sequences, and those with which a guest would write to our terminal. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/\u001B\[[0-9;?]*[A-Za-z]|\u001Bc|[^\t\n\u0020-\u007E]/g, "");
}
