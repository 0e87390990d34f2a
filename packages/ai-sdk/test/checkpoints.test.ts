import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import {
  convertToModelMessages,
  generateText,
  isStepCount,
  readUIMessageStream,
  streamText,
  toUIMessageStream,
  type UIMessage,
} from "ai";
import { afterAll, expect, test } from "vitest";
import { createSandboxTools } from "../src/index.ts";
import { sandboxPart } from "../src/ui/index.ts";
import { resultsSeen, scriptedModel, type ScriptedCall, textOf } from "./support/scripted-model.ts";

const provider = microvm();
afterAll(() => provider[Symbol.asyncDispose]());

const stopWhen = isStepCount(20);
const command = (command: string) => ({ name: "run_command", args: { command } });
const asks = (id: string, text: string): UIMessage => ({
  id,
  role: "user",
  parts: [{ type: "text", text }],
});

test("a chat that is edited at an earlier message goes on on its machine as it was there", async () => {
  const sandbox = await Sandbox.create({ provider, timeoutMs: 900_000 });
  await using kit = createSandboxTools(sandbox, { checkpoints: "each-call" });
  const { tools } = kit;
  const chat = kit.session("chat");
  const answer = async (
    messages: UIMessage[],
    ...steps: ScriptedCall[][]
  ): Promise<{ message: UIMessage; last: string }> => {
    const model = scriptedModel(...steps);
    const { stream } = streamText({
      model,
      tools,
      stopWhen,
      messages: await convertToModelMessages(messages, { tools }),
      experimental_sandbox: chat,
    });
    let message: UIMessage | undefined;
    for await (const each of readUIMessageStream({ stream: toUIMessageStream({ stream }) }))
      message = each;
    // As it comes back from a browser or a store.
    const kept = JSON.parse(JSON.stringify(message)) as UIMessage;
    return { message: kept, last: textOf(resultsSeen(model).at(-1)) };
  };
  const first = [asks("1", "Begin.")];
  const one = await answer(first, [command("echo one > list")]);
  const second = [...first, one.message, asks("3", "Go on.")];
  const two = await answer(
    second,
    [command("echo two >> list"), command("echo three >> list")],
    [command("cat list; rm list")],
  );
  expect(two.last).toMatch(/one\ntwo\nthree/);
  const edited = [...first, one.message, asks("5", "Another way.")];
  const other = await answer(edited, [command("echo other >> list")], [command("cat list")]);
  expect(other.last).toMatch(/one\nother/);
  expect(other.last).not.toMatch(/two/);
  // The first message: nothing is there yet.
  const anew = await answer([asks("6", "Begin anew.")], [command("ls list || echo none")]);
  expect(anew.last).toContain("none");
  // And the way that was left, where its list is gone.
  const left = [...second, two.message, asks("7", "Is it there?")];
  expect((await answer(left, [command("ls list || echo none")])).last).toContain("none");
  const parts = one.message.parts.flatMap((part) => sandboxPart(part) ?? []);
  expect(parts).toMatchObject([{ checkpointId: expect.any(String) }]);
  // Calls without a chat go on wherever the machine is.
  const model = scriptedModel([command("touch free")], [command("ls free")]);
  await generateText({ model, tools, stopWhen, prompt: "Go." });
  expect(textOf(resultsSeen(model).at(-1))).toContain("free");
});
