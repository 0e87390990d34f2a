import { microvm } from "@emberbox/microvm";
import {
  generateText,
  isStepCount,
  type ToolSet,
  type Experimental_SandboxSession,
} from "ai-7.0.0";
import { expect, test } from "vitest";
import { createSandboxTools } from "../src/index.ts";
import { resultsSeen, scriptedModel, textOf } from "./support/scripted-model.ts";

test("the first release of the SDK's version 7, whose sandboxes could do less, works too", async () => {
  await using provider = microvm();
  await using sandbox = createSandboxTools(provider, { modelPictures: true });
  const experimental_sandbox: Experimental_SandboxSession = sandbox.session("older");
  const model = scriptedModel(
    [
      {
        name: "run_code",
        args: { code: "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()" },
      },
    ],
    [{ name: "run_command", args: { command: "echo again; exit 4" } }],
  );
  // The types of two installed releases are incompatible; the installation test compiles with the old ones.
  const { tools } = sandbox as { tools: object } as { tools: ToolSet };
  const settings = { stopWhen: isStepCount(5), prompt: "go", experimental_sandbox };
  await generateText({ model: model as never, tools, ...settings });
  const [drawn, again] = resultsSeen(model);
  expect(drawn).toMatchObject({ type: "content", value: [{}, { mediaType: "image/png" }] });
  expect(again!.type).toBe("error-text");
  expect(textOf(again)).toMatch(/again[\s\S]*exit code: 4/);
  expect(sandbox.sessions.sandboxId("older")).toBeDefined();
});
