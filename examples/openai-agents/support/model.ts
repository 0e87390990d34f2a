import { setDefaultModelProvider, setTracingDisabled } from "@openai/agents";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents/testing";

/** A call that the script makes. */
export type ScriptedCall = readonly [tool: string, input: Readonly<Record<string, unknown>>];

/** Without `OPENAI_API_KEY`, agents that name no model make these calls, and then say the last words. */
export function scriptModel(calls: readonly ScriptedCall[], lastWords: string): void {
  if (process.env["OPENAI_API_KEY"]) return;
  setTracingDisabled(true);
  const steps = calls.map(([tool, input], at) => [
    functionCall(tool, input, { callId: `call-${at}` }),
  ]);
  const model = new ScriptedModel([...steps, [assistantMessage(lastWords)]]);
  setDefaultModelProvider({ getModel: () => model });
}
