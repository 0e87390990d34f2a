import { describeInstall } from "../support/install.ts";

describeInstall("@emberbox/openai-agents", {
  packages: ["core", "openai-agents"],
  beside: { "@openai/agents-core": "0.20.0", zod: "^4.0.0" },
  program: `
    import { Agent, Runner } from "@openai/agents-core";
    import { SandboxAgent } from "@openai/agents-core/sandbox";
    import { assistantMessage, ScriptedModel } from "@openai/agents-core/testing";
    import { capabilities, EmberboxSandboxClient, sandboxTools } from "@emberbox/openai-agents";

    const client = new EmberboxSandboxClient({ commandTimeoutMs: 60_000 });
    const sandboxed = new SandboxAgent({ name: "a", capabilities: capabilities() });
    await using kit = sandboxTools(undefined, { include: ["run_code"] });
    const model = new ScriptedModel([[assistantMessage("done")]]);
    const plain = new Agent({ name: "b", model, tools: kit.tools });
    const runner = new Runner({ tracingDisabled: true, sandbox: { client } });
    const { finalOutput } = await runner.run(plain, "hello");
    if (finalOutput !== "done" || sandboxed.name !== "a") throw new Error(String(finalOutput));
  `,
  names: {
    "@emberbox/openai-agents": ["EmberboxSandboxClient", "capabilities", "runCode", "sandboxTools"],
  },
});
