import { microvm } from "@emberbox/microvm";
import {
  convertToModelMessages,
  generateText,
  isStepCount,
  readUIMessageStream,
  streamText,
  ToolLoopAgent,
  toUIMessageStream,
  validateUIMessages,
  type InferUITools,
  type UIMessage,
} from "ai";
import { afterAll, describe, expect, test } from "vitest";
import { bash, codeExecution, createSandboxTools, sandboxApproval } from "../src/index.ts";
import { createSandboxSession } from "../src/session/index.ts";
import { sandboxPart, toolState } from "../src/ui/index.ts";
import { resultsSeen, scriptedModel, textOf } from "./support/scripted-model.ts";

const provider = microvm();
afterAll(() => provider[Symbol.asyncDispose]());

const stopWhen = isStepCount(20);
const run = (code: string) => ({ name: "run_code", args: { code } });
const command = (command: string) => ({ name: "run_command", args: { command } });

describe("a run of the SDK", () => {
  test("goes on from an error, keeps state, gets a picture and a file", async () => {
    await using sandbox = createSandboxTools(provider, { modelPictures: true });
    const model = scriptedModel(
      [run("prices = [3, 5, 8]\nsum(prices) / len(p)")],
      [run("sum(prices) / len(prices)")],
      [
        run("import matplotlib.pyplot as plt\nplt.bar(list('abc'), prices)\nplt.show()"),
        { name: "write_file", args: { path: "prices.csv", content: "a,3\n" } },
      ],
      [command("cat prices.csv"), { name: "read_file", args: { path: "prices.csv" } }],
    );
    const { text, steps } = await generateText({
      model,
      tools: sandbox.tools,
      stopWhen,
      prompt: "go",
    });
    expect(text).toBe("done");
    const [wrong, right, drawn, written, printed, read] = resultsSeen(model);
    expect(wrong!.type).toBe("error-text");
    expect(textOf(wrong)).toContain("NameError: name 'p' is not defined");
    expect(textOf(right)).toContain("5.33");
    expect(drawn).toMatchObject({
      type: "content",
      value: [
        { type: "text" },
        {
          type: "file",
          mediaType: "image/png",
          data: { type: "data", data: expect.stringMatching(/^iVBORw0K/) },
        },
      ],
    });
    expect(textOf(written)).toContain("prices.csv");
    expect(textOf(printed)).toContain("a,3");
    expect(read).toEqual({ type: "text", value: "a,3" });
    const output = steps[3]!.staticToolResults.find((result) => result.toolName === "run_command");
    expect(output!.output).toMatchObject({
      status: "done",
      data: { stdout: "a,3\n", exitCode: 0 },
    });
  });

  test("the model is told what the arguments are, and wrong ones are answered with words", async () => {
    await using sandbox = createSandboxTools(provider, { include: ["run_code"], prefix: "box_" });
    const model = scriptedModel([{ name: "box_run_code", args: { text: "1" } }]);
    await generateText({ model, tools: sandbox.tools, stopWhen, prompt: "go" });
    expect(model.doGenerateCalls[0]!.tools).toMatchObject([
      {
        name: "box_run_code",
        description: expect.stringContaining("Python"),
        inputSchema: {
          type: "object",
          properties: { code: { type: "string" } },
          required: ["code"],
        },
      },
    ]);
    expect(textOf(resultsSeen(model)[0])).toContain("`code` (a string) is missing");
  });

  test("pictures stay away from a model that might get them as text", async () => {
    await using code = codeExecution(provider, { stream: false });
    const model = scriptedModel([
      {
        name: "python",
        args: { code: "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()" },
      },
    ]);
    const { steps } = await generateText({
      model,
      tools: { python: code },
      stopWhen,
      prompt: "go",
    });
    const [seen] = resultsSeen(model);
    expect(seen).toMatchObject({ type: "text", value: expect.stringContaining("picture 1") });
    expect(steps[0]!.toolResults[0]!.output).toMatchObject({
      pictures: [{ mimeType: "image/png" }],
    });
  });

  test("an agent's tools and those of the SDK work in the sandbox of the call", async () => {
    await using session = createSandboxSession(provider);
    const agent = new ToolLoopAgent({
      model: scriptedModel([run("open('kept', 'w').write('here')")], [command("cat kept")]),
      tools: { run_code: codeExecution(), run_command: bash() },
    });
    const before = (await provider.list()).length;
    const { steps } = await agent.generate({ prompt: "go", experimental_sandbox: session });
    expect(JSON.stringify(steps[1]!.toolResults)).toContain("here");
    expect(await session.readTextFile({ path: "kept" })).toBe("here");
    expect((await provider.list()).length).toBe(before + 1);
  });

  test("an abort ends a command of a minute within a second, and it is gone from the machine", async () => {
    await using sandbox = createSandboxTools(provider);
    const controller = new AbortController();
    const { stream } = streamText({
      model: scriptedModel([command("echo begun; sleep 60.25")]),
      tools: sandbox.tools,
      stopWhen,
      prompt: "go",
      abortSignal: controller.signal,
    });
    let aborted = Infinity;
    const types: string[] = [];
    for await (const part of stream) {
      types.push(part.type);
      if (part.type !== "tool-result" || aborted < Infinity) continue;
      aborted = Date.now();
      controller.abort();
    }
    expect(types.at(-1)).toBe("abort");
    expect(Date.now() - aborted).toBeLessThan(1000);
    const { stdout } = await sandbox
      .session()
      .run({ command: "ps -eo args | grep '[s]leep 60.25'" });
    expect(stdout).toBe("");
  });

  test("a time limit of the SDK for the tool kills the command", async () => {
    await using sandbox = createSandboxTools(provider);
    await sandbox.session().run({ command: "true" });
    const model = scriptedModel([command("sleep 60.375")]);
    const began = Date.now();
    const timeout = { toolMs: 1500 };
    await generateText({ model, tools: sandbox.tools, stopWhen, prompt: "go", timeout });
    expect(Date.now() - began).toBeLessThan(6000);
    expect(resultsSeen(model)[0]!.type).toBe("error-text");
    const { stdout } = await sandbox
      .session()
      .run({ command: "ps -eo args | grep '[s]leep 60.375'" });
    expect(stdout).toBe("");
  });
});

describe("what a browser gets", () => {
  test("output streams as small pieces that a view is made of, and goes back to the model", async () => {
    await using sandbox = createSandboxTools(provider);
    const noisy =
      "for i in 1 2 3 4 5; do head -c 200000 /dev/zero | tr '\\0' x; echo; sleep 0.4; done";
    const { stream } = streamText({
      model: scriptedModel([command(noisy)]),
      tools: sandbox.tools,
      stopWhen,
      prompt: "go",
    });
    const [chunks, counted] = toUIMessageStream({ stream }).tee();
    let bytes = 0;
    const counting = (async () => {
      for await (const chunk of counted) bytes += JSON.stringify(chunk).length;
    })();
    type Message = UIMessage<never, never, InferUITools<typeof sandbox.tools>>;
    const states: string[] = [];
    let last: Message | undefined;
    for await (const message of readUIMessageStream<Message>({ stream: chunks })) {
      last = message;
      const part = message.parts.find(({ type }) => type === "tool-run_command");
      const view = sandboxPart(part);
      if (part === undefined || view === undefined) continue;
      if (states.at(-1) !== view.state) states.push(view.state);
      expect(view).toMatchObject({ kind: "run_command", subject: noisy });
      expect(toolState(part) === "output-available").toBe(view.state === "done");
    }
    await counting;
    expect(bytes).toBeLessThan(400_000);
    expect(states).toEqual(["running", "done"]);
    const view = last!.parts.map((part) => sandboxPart(part)).find((view) => view !== undefined)!;
    expect(view).toMatchObject({ state: "done", exitCode: 0, files: [{ change: "output" }] });

    const { tools } = sandbox;
    const messages = await validateUIMessages<Message>({
      messages: [{ ...last!, id: "m" }],
      tools,
    });
    const back = await convertToModelMessages(messages, { tools });
    expect(JSON.stringify(back)).toContain("bytes left out");
  });

  test("a picture that is stored goes to the model, and its URL to the browser", async () => {
    const stored = new Map<string, string>();
    await using sandbox = createSandboxTools(provider, {
      modelPictures: true,
      storePicture: ({ base64 }, { toolCallId }) => {
        const url = `https://pictures.example/${toolCallId}.png`;
        stored.set(url, base64);
        return url;
      },
    });
    const model = scriptedModel([
      run("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"),
    ]);
    const { stream } = streamText({ model, tools: sandbox.tools, stopWhen, prompt: "go" });
    let sent = "";
    const views = [];
    const [chunks, counted] = toUIMessageStream({ stream }).tee();
    const counting = (async () => {
      for await (const chunk of counted) sent += JSON.stringify(chunk);
    })();
    for await (const { parts } of readUIMessageStream({ stream: chunks })) {
      views.push(...parts.flatMap((part) => sandboxPart(part) ?? []));
    }
    await counting;
    const [[url, base64]] = [...stored] as [[string, string]];
    expect(base64).toMatch(/^iVBORw0K/);
    expect(sent).not.toContain("iVBORw0K");
    expect(views.at(-1)!.pictures).toEqual([{ src: url, mediaType: "image/png" }]);
    expect(resultsSeen(model)[0]).toMatchObject({
      type: "content",
      value: [{ type: "text" }, { type: "file", data: { type: "data", data: base64 } }],
    });
  });

  test("calls that change something wait for the user, those that read do not", async () => {
    await using sandbox = createSandboxTools(provider);
    const toolApproval = sandboxApproval(sandbox.tools, {
      run_command: ({ command = "" }) => (command.includes("rm ") ? "denied" : "approved"),
    });
    const model = scriptedModel(
      [command("echo fine"), command("rm -rf /"), { name: "list_files", args: {} }],
      [{ name: "write_file", args: { path: "x", content: "y" } }],
    );
    const { content } = await generateText({
      model,
      tools: sandbox.tools,
      stopWhen,
      prompt: "go",
      toolApproval,
    });
    const [fine, denied, listed] = resultsSeen(model);
    expect(textOf(fine)).toContain("fine");
    expect(denied).toMatchObject({ type: "execution-denied" });
    expect(listed!.type).toBe("text");
    expect(content.map(({ type }) => type)).toContain("tool-approval-request");
    expect(await sandbox.session().stat({ path: "x" })).toBeNull();
  });
});
