import { microvm } from "@emberbox/microvm";
import { generateText, isStepCount, type ModelMessage, streamText } from "ai";
import { afterAll, expect, test } from "vitest";
import { createSandboxTools, type SandboxToolSet } from "../src/index.ts";
import { resultsSeen, scriptedModel, type ScriptedCall, textOf } from "./support/scripted-model.ts";

const provider = microvm();
afterAll(() => provider[Symbol.asyncDispose]());

const stopWhen = isStepCount(20);
const checkpoints = "each-call";
const command = (command: string): ScriptedCall => ({ name: "run_command", args: { command } });
const asks = (content: string): ModelMessage => ({ role: "user", content });

async function answer(
  kit: SandboxToolSet<any>,
  messages: ModelMessage[],
  ...steps: ScriptedCall[][]
): Promise<{ messages: ModelMessage[]; last: string }> {
  const model = scriptedModel(...steps);
  const { responseMessages } = await generateText({
    ...{ model, messages, tools: kit.tools, stopWhen },
    experimental_sandbox: kit.session("chat"),
  });
  // As a store keeps them.
  const all = JSON.parse(JSON.stringify([...messages, ...responseMessages])) as ModelMessage[];
  return { messages: all, last: textOf(resultsSeen(model).at(-1)) };
}

test("a chat comes back in another program from a store that is trusted; otherwise the model is told", async () => {
  const kit = createSandboxTools({ provider }, { checkpoints });
  const one = await answer(kit, [asks("Begin.")], [command("echo one > list")]);
  const two = await answer(kit, [...one.messages, asks("Go on.")], [command("rm list")]);
  // The first program does not end its sandbox: it was killed.
  await using later = createSandboxTools({ provider }, { checkpoints, trustMessages: true });
  const look = [command("ls list || echo none")];
  const gone = await answer(later, [...two.messages, asks("Look.")], look);
  expect(gone.last).toContain("none");
  const back = await answer(later, [...one.messages, asks("Look back.")], [command("cat list")]);
  expect(back.last).toContain("one");
  expect((await answer(later, [...gone.messages, asks("Forward.")], look)).last).toContain("none");
  await using careful = createSandboxTools({ provider }, { checkpoints });
  const anew = await answer(careful, [...one.messages, asks("Look.")], look);
  expect(anew.last).toMatch(/none/);
  expect(anew.last).toContain("Note: the sandbox of the earlier calls");
  expect((await answer(careful, anew.messages, look)).last).not.toContain("Note:");
});

test("a stream that is aborted in a call leaves what the call did, and the chat can go back over it", async () => {
  await using kit = createSandboxTools({ provider }, { checkpoints });
  const one = await answer(kit, [asks("Begin.")], [command("echo one > list")]);
  const stop = new AbortController();
  const { stream } = streamText({
    model: scriptedModel([command("echo half >> list; sleep 100")]),
    messages: [...one.messages, asks("Go on.")],
    ...{ tools: kit.tools, stopWhen, abortSignal: stop.signal, onError: () => {} },
    experimental_sandbox: kit.session("chat"),
  });
  for await (const part of stream) {
    if (part.type !== "tool-call") continue;
    setTimeout(() => stop.abort(), 2000);
  }
  await kit.sessions.idle("chat");
  const after = await answer(kit, [...one.messages, asks("Look.")], [command("cat list")]);
  expect(after.last).toContain("one\nhalf");
  const back = await answer(kit, [...one.messages, asks("Look again.")], [command("cat list")]);
  expect(back.last).toContain("one");
  expect(back.last).not.toContain("half");
});

test("a chat whose sandbox is killed goes on in an empty one and hears of it; a paused one goes on", async () => {
  await using kit = createSandboxTools({ provider }, { checkpoints });
  const one = await answer(kit, [asks("Begin.")], [command("echo one > list")]);
  const two = await answer(kit, [...one.messages, asks("Go on.")], [command("echo two >> list")]);
  await provider.pause!(kit.sessions.sandboxId("chat")!);
  const back = await answer(kit, [...one.messages, asks("Another.")], [command("cat list")]);
  expect(back.last).toMatch(/one/);
  expect(back.last).not.toMatch(/two|Note/);
  await provider.kill(kit.sessions.sandboxId("chat")!);
  const look = [command("ls list || echo none")];
  const anew = await answer(kit, [...two.messages, asks("Look.")], look);
  expect(anew.last).toContain("none");
  expect(anew.last).toContain("Note: the sandbox of the earlier calls is gone");
});
