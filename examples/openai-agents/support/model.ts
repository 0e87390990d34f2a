import { setDefaultModelProvider, setTracingDisabled } from "@openai/agents";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents/testing";

/** A call that the script makes. */
export type ScriptedCall = readonly [tool: string, input: Readonly<Record<string, unknown>>];

let scripted: ScriptedModel;
let calls = 0;

/** Without `OPENAI_API_KEY`, agents that name no model make these calls, and then say the last words. */
export function scriptModel(script: readonly ScriptedCall[], lastWords: string): void {
  if (process.env["OPENAI_API_KEY"]) return;
  setTracingDisabled(true);
  const steps = script.map(([tool, input]) => [
    functionCall(tool, input, { callId: `call-${calls++}` }),
  ]);
  scripted = new ScriptedModel([...steps, [assistantMessage(lastWords)]]);
  // The framework asks for a provider once, and for the model with every run.
  setDefaultModelProvider({ getModel: () => scripted });
}
