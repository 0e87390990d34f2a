// Stands in for Anthropic's service when there is no key: scripted answers in the form of its Messages API.
import type { ScriptedCall } from "./prices.ts";

interface Body {
  readonly stream?: boolean;
  readonly tools: readonly { readonly name: string }[];
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

/** Without `ANTHROPIC_API_KEY`, Claude makes these calls, one in each turn, and then says the last words. */
export function scriptClaude(calls: readonly ScriptedCall[], lastWords: string): void {
  if (process.env["ANTHROPIC_API_KEY"]) return;
  process.env["ANTHROPIC_API_KEY"] = "none";
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const { host } = new URL(input instanceof Request ? input.url : input);
    if (host !== "api.anthropic.com") return fetch(input, init);
    return answer(JSON.parse(String(init?.body)) as Body, calls, lastWords);
  };
}

/** Answers with the next call of the script, once the previous call's result has arrived. */
function answer(body: Body, calls: readonly ScriptedCall[], lastWords: string): Response {
  const turn = body.messages.filter(({ role }) => role === "assistant").length;
  const last = body.messages.findLastIndex(({ role }) => role === "assistant");
  const results = JSON.stringify(body.messages.slice(last + 1));
  if (turn > 0 && !results.includes(`"tool_use_id":"call-${turn - 1}"`))
    throw new Error(`There is no result of call ${turn - 1}`);
  const call = calls[turn];
  if (call !== undefined && !body.tools.some(({ name }) => name === call.name))
    throw new Error(`There is no tool ${call.name}`);
  const block =
    call === undefined
      ? { type: "text", text: lastWords }
      : { type: "tool_use", id: `call-${turn}`, name: call.name, input: call.input };
  const message = {
    id: `message-${turn}`,
    type: "message",
    role: "assistant",
    model: "script",
    content: [block],
    stop_reason: call === undefined ? "end_turn" : "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
  return body.stream === true ? streamed(message, block) : Response.json(message);
}

/** The same message as server-sent events. */
function streamed(
  message: { stop_reason: string },
  block: Readonly<Record<string, unknown>>,
): Response {
  const [empty, delta] =
    block["type"] === "text"
      ? [{ text: "" }, { type: "text_delta", text: block["text"] }]
      : [{ input: {} }, { type: "input_json_delta", partial_json: JSON.stringify(block["input"]) }];
  const { stop_reason } = message;
  const events = [
    { type: "message_start", message: { ...message, content: [], stop_reason: null } },
    { type: "content_block_start", index: 0, content_block: { ...block, ...empty } },
    { type: "content_block_delta", index: 0, delta },
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason, stop_sequence: null },
      usage: { output_tokens: 1 },
    },
    { type: "message_stop" },
  ];
  const text = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  return new Response(text.join(""), { headers: { "content-type": "text/event-stream" } });
}
