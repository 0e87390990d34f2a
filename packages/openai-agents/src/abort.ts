import { AsyncLocalStorage } from "node:async_hooks";
import type { Tool } from "@openai/agents-core";

/** The signal of the current tool call. The framework's session methods have no argument for it. */
const calls = new AsyncLocalStorage<AbortSignal | undefined>();

export function callSignal(): AbortSignal | undefined {
  return calls.getStore();
}

/** Makes an abort of the run, and the tool's own time limit, reach the sandbox. */
export function withAbort(timeoutMs?: number): (tools: Tool<unknown>[]) => Tool<unknown>[] {
  return (tools) =>
    tools.map((tool) => {
      if (tool.type !== "function") return tool;
      const invoke: typeof tool.invoke = (context, input, details) =>
        calls.run(details?.signal, () => tool.invoke(context, input, details));
      return { ...tool, invoke, ...(timeoutMs !== undefined && { timeoutMs }) };
    });
}
