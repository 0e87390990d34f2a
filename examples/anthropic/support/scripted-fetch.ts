// Stands in for Anthropic's service when there is no key: scripted answers in the form of its Messages API.
import { calls, lastWords } from "../../support/prices.ts";

interface Body {
  readonly tools: readonly { readonly name: string }[];
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

/** Answers with the next call of the script, once the previous call's result has arrived. */
export async function scriptedFetch(_url: unknown, init?: { body?: unknown }): Promise<Response> {
  const { tools, messages } = JSON.parse(String(init?.body)) as Body;
  const turn = messages.filter(({ role }) => role === "assistant").length;
  const results = JSON.stringify(messages.at(-1)!.content);
  if (turn > 0 && !results.includes(`"tool_use_id":"call-${turn - 1}"`))
    throw new Error(`There is no result of call ${turn - 1}`);
  const call = calls[turn];
  if (call !== undefined && !tools.some(({ name }) => name === call.name))
    throw new Error(`There is no tool ${call.name}`);
  return Response.json({
    id: `message-${turn}`,
    type: "message",
    role: "assistant",
    model: "script",
    content: [
      call === undefined
        ? { type: "text", text: lastWords }
        : { type: "tool_use", id: `call-${turn}`, name: call.name, input: call.input },
    ],
    stop_reason: call === undefined ? "end_turn" : "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  });
}
