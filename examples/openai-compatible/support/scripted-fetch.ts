// Stands in for an endpoint when there is none: scripted answers in the form of OpenAI's chat API.
import { calls, lastWords } from "../../support/prices.ts";

interface Body {
  readonly tools: readonly { readonly function: { readonly name: string } }[];
  readonly messages: readonly { readonly role: string; readonly tool_call_id?: string }[];
}

/** Answers with the next call of the script, once the previous call's result has arrived. */
export async function scriptedFetch(_url: unknown, init?: { body?: unknown }): Promise<Response> {
  const { tools, messages } = JSON.parse(String(init?.body)) as Body;
  const turn = messages.filter(({ role }) => role === "assistant").length;
  if (turn > 0 && messages.at(-1)!.tool_call_id !== `call-${turn - 1}`)
    throw new Error(`There is no result of call ${turn - 1}`);
  const call = calls[turn];
  if (call !== undefined && !tools.some((tool) => tool.function.name === call.name))
    throw new Error(`There is no tool ${call.name}`);
  const toolCall = call && {
    id: `call-${turn}`,
    type: "function",
    function: { name: call.name, arguments: JSON.stringify(call.input) },
  };
  const message = toolCall
    ? { role: "assistant", content: null, tool_calls: [toolCall] }
    : { role: "assistant", content: lastWords };
  return Response.json({
    id: `completion-${turn}`,
    object: "chat.completion",
    created: 0,
    model: "script",
    choices: [{ index: 0, message, finish_reason: toolCall ? "tool_calls" : "stop" }],
  });
}
