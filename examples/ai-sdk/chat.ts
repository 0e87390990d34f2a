// A chat's view: a message's parts as they change, and a question before anything is changed.
import { anthropic } from "@ai-sdk/anthropic";
import {
  convertToModelMessages,
  isStepCount,
  readUIMessageStream,
  streamText,
  toUIMessageStream,
  type InferUITools,
  type UIMessage,
} from "ai";
import { createSandboxTools, sandboxApproval } from "@emberbox/ai-sdk";
import { sandboxPart } from "@emberbox/ai-sdk/ui";
import { scriptClaude } from "../support/claude.ts";

const sandbox = createSandboxTools();
const { tools } = sandbox;
type Message = UIMessage<never, never, InferUITools<typeof tools>>;

// Without ANTHROPIC_API_KEY, this takes the model's place.
scriptClaude(
  [
    {
      name: "run_command",
      input: { command: "for i in 1 2 3; do echo step $i; sleep 0.5; done" },
    },
    { name: "write_file", input: { path: "done.txt", content: "yes\n" } },
  ],
  "All three steps are done, and done.txt says so.",
);
const toolApproval = sandboxApproval(tools, { run_command: "approved" });

/** The server: one turn of the conversation, as a stream of UI messages. */
async function* answer(messages: readonly Message[]): AsyncGenerator<Message> {
  const { stream } = streamText({
    model: anthropic("claude-sonnet-5-5"),
    tools,
    toolApproval,
    experimental_sandbox: sandbox.session("chat-1"),
    stopWhen: isStepCount(10),
    messages: await convertToModelMessages([...messages], { tools }),
  });
  const chunks = toUIMessageStream<typeof tools, Message>({
    stream,
    originalMessages: [...messages],
  });
  const last = messages.at(-1);
  yield* readUIMessageStream<Message>({
    stream: chunks,
    ...(last?.role === "assistant" && { message: last }),
  });
}

/** The browser: shows what is new, and keeps the message. */
async function show(messages: readonly Message[]): Promise<Message> {
  let message = messages.at(-1)!;
  let shown = "";
  for await (message of answer(messages)) {
    const views = message.parts.flatMap((part) => sandboxPart(part) ?? []);
    const view = views.at(-1);
    if (view === undefined) continue;
    const line = `${view.kind} ${view.state}: ${view.subject} ${view.stdout.trimEnd().split("\n").at(-1)}`;
    if (line !== shown) console.log((shown = line));
  }
  return message;
}

const question: Message = {
  id: "1",
  role: "user",
  parts: [{ type: "text", text: "Do the three steps, and note in done.txt that they are done." }],
};
const asked = await show([question]);
// The user approves everything that is waiting.
const parts = asked.parts.map((part) =>
  "approval" in part && part.state === "approval-requested"
    ? { ...part, state: "approval-responded", approval: { id: part.approval.id, approved: true } }
    : part,
) as Message["parts"];
const finished = await show([question, { ...asked, parts }]);
console.log(finished.parts.findLast((part) => part.type === "text")?.text);
