import { AIMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";

const TEXT =
  "This call was stopped before it gave a result, such as when the user cancelled it. It may have run in part.";

/**
 * Adds an answer for every tool call that has none. An aborted run leaves such calls behind, and providers refuse that
 * history from then on.
 */
export function withAnsweredCalls(messages: readonly BaseMessage[]): BaseMessage[] {
  return messages.flatMap((message, at) => {
    if (!AIMessage.isInstance(message) || !message.tool_calls?.length) return [message];
    const answered = new Set<string>();
    for (let next = at + 1; ; next += 1) {
      const result = messages[next];
      if (!ToolMessage.isInstance(result)) break;
      answered.add(result.tool_call_id);
    }
    const answers = message.tool_calls
      .filter(({ id }) => id !== undefined && !answered.has(id))
      .map(
        ({ id, name }) =>
          new ToolMessage({ status: "error", content: TEXT, tool_call_id: id!, name }),
      );
    return [message, ...answers];
  });
}
