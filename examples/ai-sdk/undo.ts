// A chat that is edited at an earlier message goes on on its machine as it was there.
import { generateText, isStepCount, type ModelMessage } from "ai";
import { createSandboxTools, type SandboxOutput } from "@emberbox/ai-sdk";
import { scripted } from "./support/scripted.ts";

const sandbox = createSandboxTools(undefined, { checkpoints: "each-call" });
// The chat's id: each has a machine of its own.
const machine = sandbox.session("chat-1");

async function answer(messages: ModelMessage[], command: string): Promise<ModelMessage[]> {
  const { responseMessages, steps } = await generateText({
    // This takes the model's place.
    model: scripted("run_command", { command }, "Done."),
    tools: sandbox.tools,
    messages,
    stopWhen: isStepCount(10),
    experimental_sandbox: machine,
  });
  for (const { output } of steps.flatMap(({ toolResults }) => toolResults)) {
    const result = output as SandboxOutput;
    if (result.status === "done") console.log(result.text);
  }
  return [...messages, ...responseMessages];
}

const asked = (content: string): ModelMessage => ({ role: "user", content });
const first = await answer([asked("Take notes.")], "echo 'the only copy' > notes.txt");
await answer([...first, asked("Clean up.")], "rm notes.txt");
// The user edits the second message: the notes are there again.
await answer([...first, asked("What do the notes say?")], "cat notes.txt");
await sandbox[Symbol.asyncDispose]();
