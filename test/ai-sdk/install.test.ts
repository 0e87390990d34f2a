import { describeInstall } from "../support/install.ts";

const names = {
  "@emberbox/ai-sdk": ["bash", "codeExecution", "createSandboxTools", "sandboxApproval"],
  "@emberbox/ai-sdk/session": ["createSandboxSession"],
  "@emberbox/ai-sdk/native": ["createNativeExecutors"],
  "@emberbox/ai-sdk/ui": ["sandboxPart", "toolState"],
  "@emberbox/ai-sdk/harness": ["createEmberboxSandbox"],
  "@emberbox/ai-sdk/bash-tool": ["bashToolSandbox"],
};

/** The SDK's own types need it, and it does not say so. */
const types = { "@types/json-schema": "^7.0.15" };

const imports = `
  import { generateText, isStepCount, type Experimental_SandboxSession } from "ai";
  import { codeExecution, createSandboxTools } from "@emberbox/ai-sdk";
  import { createNativeExecutors } from "@emberbox/ai-sdk/native";
  import { createEmberboxSandbox } from "@emberbox/ai-sdk/harness";
  import { createSandboxSession } from "@emberbox/ai-sdk/session";
  import { MockLanguageModelV4 } from "ai/test";
`;

/** There is no engine here, so a call's answer is that there is no sandbox. */
const run = `
  await using sandbox = createSandboxTools(undefined, { include: ["run_code", "read_file"] });
  await using session = createSandboxSession(sandbox.sessions);
  await using native = createNativeExecutors(session);
  const experimental_sandbox: Experimental_SandboxSession = session;
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 1, text: 1, reasoning: undefined },
  };
  const model = new MockLanguageModelV4({
    doGenerate: [
      {
        content: [{ type: "tool-call", toolCallId: "c", toolName: "run_code", input: '{"code":"1"}' }],
        finishReason: { unified: "tool-calls", raw: undefined },
        usage,
        warnings: [],
      },
      {
        content: [{ type: "text", text: "done" }],
        finishReason: { unified: "stop", raw: undefined },
        usage,
        warnings: [],
      },
    ],
  });
  const tools = { ...sandbox.tools, python: codeExecution(session) };
  const { steps } = await generateText({
    model,
    tools,
    stopWhen: isStepCount(2),
    prompt: "go",
    experimental_sandbox,
  });
  const [result] = steps[0]!.toolResults;
  if (result?.toolName !== "run_code" || result.dynamic) throw new Error("no result");
  const { output } = result;
  if (output.status !== "done" || !output.text.includes("no sandbox")) throw new Error(JSON.stringify(output));
  if (native.sessions !== sandbox.sessions) throw new Error("not shared");
  if (createEmberboxSandbox().providerId !== "emberbox") throw new Error("no provider");
`;

describeInstall("@emberbox/ai-sdk beside the newest AI SDK", {
  packages: ["core", "ai-sdk"],
  beside: {
    ...types,
    ai: "7.0.173",
    "@ai-sdk/openai": "4.0.118",
    "@ai-sdk/anthropic": "4.0.105",
    zod: "^4.0.0",
  },
  program: `${imports}
    import { anthropic } from "@ai-sdk/anthropic";
    import { openai } from "@ai-sdk/openai";
    ${run}
    openai.tools.shell({ execute: native.shell });
    openai.tools.localShell({ execute: native.localShell });
    openai.tools.applyPatch({ execute: native.applyPatch });
    anthropic.tools.bash_20250124({ execute: native.bash });
    anthropic.tools.textEditor_20250728({ execute: native.textEditor });
  `,
  names,
});

describeInstall("@emberbox/ai-sdk beside the first AI SDK 7", {
  packages: ["core", "ai-sdk"],
  beside: { ...types, ai: "7.0.0", zod: "^4.0.0" },
  program: `${imports}${run}`,
  names: { "@emberbox/ai-sdk": names["@emberbox/ai-sdk"] },
});

describeInstall("@emberbox/ai-sdk beside the last AI SDK 7 without the newer methods", {
  packages: ["core", "ai-sdk"],
  beside: { ...types, ai: "7.0.157", zod: "^4.0.0" },
  program: `${imports}${run}`,
  names: { "@emberbox/ai-sdk": names["@emberbox/ai-sdk"] },
});
