import type { SandboxTool, ToolContext, ToolResult } from "@emberbox/core/tools";

/** Clients give up on calls of which they heard nothing for a while, often 60 seconds, in milliseconds. */
export const HEARTBEAT_MS = 10_000;

/** What a progress notification says. */
export interface Progress {
  /** Rises with each notification, as the protocol demands: milliseconds since the call began. */
  readonly progress: number;
  readonly message: string;
}

/**
 * Runs a call and reports on it: what it printed last, as it comes, and now and then that it goes on. Each report
 * stands alone.
 */
export async function withProgress(
  tool: SandboxTool,
  input: unknown,
  context: ToolContext,
  notify: (progress: Progress) => Promise<void>,
): Promise<ToolResult> {
  const started = performance.now();
  let last = 0;
  const report = async (message: string): Promise<void> => {
    last = Math.max(last + 1, Math.round(performance.now() - started));
    // The work goes on when nobody listens any more.
    await notify({ progress: last, message }).catch(() => {});
  };
  const heartbeat = setInterval(() => void report("Still running."), HEARTBEAT_MS);
  try {
    for await (const value of tool.stream(input, context)) {
      if (value.status === "done") return value;
      heartbeat.refresh();
      await report(value.stdout + value.stderr);
    }
    throw new Error(`${tool.name} ended without a result`);
  } finally {
    clearInterval(heartbeat);
  }
}
