// The framework is another copy when it is required; sessions must work with either.
const { microvm } = require("@emberbox/microvm") as typeof import("@emberbox/microvm");
const { capabilities, EmberboxSandboxClient } =
  require("@emberbox/openai-agents") as typeof import("@emberbox/openai-agents");
const { Runner } = require("@openai/agents-core") as typeof import("@openai/agents-core");
const { Manifest, SandboxAgent } =
  require("@openai/agents-core/sandbox") as typeof import("@openai/agents-core/sandbox");
const { assistantMessage, functionCall, ScriptedModel } =
  require("@openai/agents-core/testing") as typeof import("@openai/agents-core/testing");

async function main(): Promise<void> {
  const provider = microvm();
  try {
    const model = new ScriptedModel([
      [functionCall("exec_command", { cmd: "cat a.txt; echo $SIZE" }, { callId: "a" })],
      [functionCall("run_code", { code: "open('a.txt').read()" }, { callId: "b" })],
      [assistantMessage("done")],
    ]);
    const manifest = new Manifest({
      entries: { "a.txt": { type: "file", content: "common" } },
      environment: { SIZE: "large" },
    });
    const agent = new SandboxAgent({
      name: "required",
      model,
      defaultManifest: manifest,
      capabilities: capabilities(),
    });
    const runner = new Runner({
      tracingDisabled: true,
      sandbox: { client: new EmberboxSandboxClient({ provider }) },
    });
    const { newItems } = await runner.run(agent, "go");
    const text = JSON.stringify(newItems);
    if (!text.includes("common") || !text.includes("large")) throw new Error(text);
  } finally {
    await provider[Symbol.asyncDispose]();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
