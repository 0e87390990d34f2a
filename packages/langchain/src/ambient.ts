import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { ToolContext } from "@emberbox/core/tools";
import { takePlace } from "./checkpoints/tool-call.ts";
import { agentOf, threadOf } from "./tool.ts";

interface EventHandler {
  handleToolEvent?(chunk: unknown, runId: string): unknown;
}

/** The parts of a callback manager that lead to the run of the current tool call. */
interface ChildCallbacks {
  readonly handlers?: readonly EventHandler[];
  getParentRunId?(): string | undefined;
}

/**
 * What LangChain knows about the current tool call (the signal, the thread, its place, and listeners for output), for
 * callbacks that are not told any of it.
 */
export function ambientContext(): ToolContext {
  const call = takePlace();
  const config: RunnableConfig | undefined = AsyncLocalStorageProviderSingleton.getRunnableConfig();
  if (config === undefined) return call;
  const callbacks = config.callbacks as ChildCallbacks | undefined;
  const runId = callbacks?.getParentRunId?.();
  return {
    ...call,
    signal: config.signal,
    threadId: threadOf(config),
    agent: agentOf(config),
    ...(runId !== undefined && {
      onOutput: async ({ text }) => {
        for (const handler of callbacks?.handlers ?? []) {
          try {
            await handler.handleToolEvent?.(text, runId);
          } catch {
            // The listener is gone; the result still counts.
          }
        }
      },
    }),
  };
}
