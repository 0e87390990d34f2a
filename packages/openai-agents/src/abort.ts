import { AsyncLocalStorage } from "node:async_hooks";
import type { Tool } from "@openai/agents-core";

/** The signal of the tool call that runs. The framework's session methods have no argument for it. */
const calls = new AsyncLocalStorage<AbortSignal | undefined>();

export function callSignal(): AbortSignal | undefined {
  return calls.getStore();
}

/** Lets an abort of the run, and the tool's own time limit, reach the sandbox. */
export function withAbort(timeoutMs?: number): (tools: Tool<unknown>[]) => Tool<unknown>[] {
  return (tools) =>
    tools.map((tool) => {
      if (tool.type !== "function") return tool;
      const invoke: typeof tool.invoke = (context, input, details) =>
        calls.run(details?.signal, () => tool.invoke(context, input, details));
      return { ...tool, invoke, ...(timeoutMs !== undefined && { timeoutMs }) };
    });
}

/** Settles with `work`, or rejects with the signal's reason at once when that is aborted; `work` goes on. */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
