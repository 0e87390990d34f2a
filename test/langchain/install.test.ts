import { describeInstall } from "../support/install.ts";

const core = { "@langchain/core": "1.2.13" };

describeInstall("@emberbox/langchain beside nothing but LangChain's core", {
  packages: ["core", "langchain"],
  beside: core,
  program: `
    import { createSandboxTools } from "@emberbox/langchain";
    import { createNativeExecutors } from "@emberbox/langchain/native";

    await using sandbox = createSandboxTools(undefined, { include: ["run_code"] });
    await using native = createNativeExecutors(sandbox.sessions);
    const answer: unknown = await sandbox.tools[0]!.invoke({ code: "1" });
    if (!String(answer).includes("no sandbox")) throw new Error(String(answer));
    if (native.sessions !== sandbox.sessions) throw new Error("not shared");
  `,
  names: {
    "@emberbox/langchain": ["LangChainTools", "createSandboxTools"],
    "@emberbox/langchain/native": ["createNativeExecutors"],
  },
});

describeInstall("@emberbox/langchain beside langchain and deepagents", {
  packages: ["core", "langchain"],
  beside: {
    ...core,
    "@langchain/langgraph": "1.4.18",
    "@langchain/langgraph-checkpoint": "1.1.5",
    "@langchain/langgraph-sdk": "1.12.0",
    deepagents: "1.14.1",
    langchain: "1.5.14",
    langsmith: "0.9.0",
    zod: "^4.0.0",
  },
  overrides: { "@langchain/langgraph-sdk": "1.12.0" },
  program: `
    import { AIMessage } from "@langchain/core/messages";
    import { fakeModel } from "@langchain/core/testing";
    import { createDeepAgent } from "deepagents";
    import { createAgent } from "langchain";
    import { createSandboxBackend } from "@emberbox/langchain/deepagents";
    import { createSandboxMiddleware } from "@emberbox/langchain/middleware";

    await using backend = createSandboxBackend();
    await using middleware = createSandboxMiddleware(backend.sessions, { include: ["run_code"] });
    const model = () => fakeModel().respond(new AIMessage("done"));
    const plain = createAgent({ model: model(), middleware: [middleware] });
    const deep = createDeepAgent({ model: model(), backend, middleware: [middleware] });
    for (const agent of [plain, deep]) {
      const { messages } = await agent.invoke({ messages: [{ role: "user", content: "hello" }] });
      if (messages.at(-1)?.text !== "done") throw new Error(String(messages.at(-1)));
    }
  `,
  names: {
    "@emberbox/langchain/middleware": ["createCheckpointMiddleware", "createSandboxMiddleware"],
    "@emberbox/langchain/deepagents": ["SandboxBackend", "createSandboxBackend"],
  },
});
