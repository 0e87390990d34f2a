// Stands in for OpenAI when there is no key and no other endpoint: scripted answers in the form of its chat API.
import { calls, lastWords } from "../../support/prices.ts";

interface Body {
  readonly tools: readonly { readonly function: { readonly name: string } }[];
  readonly messages: readonly { readonly role: string; readonly tool_call_id?: string }[];
}

if (!process.env["OPENAI_BASE_URL"] && !process.env["OPENAI_API_KEY"]) {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const { host } = new URL(input instanceof Request ? input.url : input);
    return host === "api.openai.com"
      ? answer(JSON.parse(String(init?.body)) as Body)
      : fetch(input, init);
  };
}

/** Answers with the next call of the script, once the previous call's result has arrived. */
function answer({ tools, messages }: Body): Response {
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
