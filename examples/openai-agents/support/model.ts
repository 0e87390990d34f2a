import { type Model, setTracingDisabled } from "@openai/agents";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents/testing";

/** A call that the script makes. */
export type ScriptedCall = readonly [tool: string, input: Readonly<Record<string, unknown>>];

/**
 * OpenAI's model when there is a key for it, otherwise a model that makes scripted calls and then says the last words,
 * so that the example runs anywhere.
 */
export function modelOr(calls: readonly ScriptedCall[], lastWords: string): { model?: Model } {
  if (process.env["OPENAI_API_KEY"] !== undefined) return {};
  setTracingDisabled(true);
  const steps = calls.map(([tool, input], at) => [
    functionCall(tool, input, { callId: `call-${at}` }),
  ]);
  return { model: new ScriptedModel([...steps, [assistantMessage(lastWords)]]) };
}
