import { within } from "../concurrency/within.ts";
import { withoutRefused } from "./gate.ts";
import { lastBytes } from "./truncate.ts";
import type { ToolContext, ToolName, ToolOutput, ToolProgress, ToolResult } from "./types.ts";

/** How often progress is yielded, and how much of the output it holds. */
export interface ProgressOptions {
  readonly intervalMs: number;
  /** Bytes of each stream in one progress value. */
  readonly tailBytes: number;
}

/**
 * Yields the latest output of a running call whenever there is something new, but not too often, including what it
 * printed right before its end; then its result. Each value stands alone and holds only the last output, so that all of
 * them together stay small.
 */
export async function* streamTool(
  tool: ToolName,
  execute: (context: ToolContext) => Promise<ToolResult>,
  context: ToolContext,
  { intervalMs, tailBytes }: ProgressOptions,
): AsyncGenerator<ToolProgress | ToolResult, void, undefined> {
  const started = performance.now();
  const stop = new AbortController();
  const signal =
    context.signal === undefined ? stop.signal : AbortSignal.any([context.signal, stop.signal]);
  const tails = { stdout: "", stderr: "" };
  const state = { outputBytes: 0, dirty: false, ended: false };
  const onOutput = (output: ToolOutput): unknown => {
    const { stream, text } = output;
    tails[stream] = lastBytes(tails[stream] + lastBytes(text, tailBytes), tailBytes);
    state.outputBytes += Buffer.byteLength(text);
    state.dirty = true;
    return context.onOutput?.(output);
  };
  const result = execute({ ...context, signal, onOutput }).finally(() => {
    state.ended = true;
  });
  const end = result.then(
    () => {},
    () => {},
  );
  try {
    while (!state.ended || state.dirty) {
      if (!state.ended) await within(intervalMs, end, () => {});
      if (!state.dirty) continue;
      state.dirty = false;
      const elapsedMs = Math.round(performance.now() - started);
      yield {
        status: "running",
        tool,
        ...withoutRefused(tails),
        outputBytes: state.outputBytes,
        elapsedMs,
      };
    }
    yield await result;
  } finally {
    if (!state.ended) {
      stop.abort(new DOMException("The iteration was given up", "AbortError"));
      await end;
    }
  }
}
