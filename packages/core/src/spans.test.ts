import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  context,
  type ContextManager,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { expect, onTestFinished, test } from "vitest";
import type { SandboxProvider } from "./provider.ts";
import { Sandbox } from "./sandbox.ts";
import { inToolSpan } from "./spans.ts";
import { SandboxTools } from "./tools/create-tools.ts";
import { NativeTools } from "./tools/native/native-tools.ts";

function tracer(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
  onTestFinished(() => trace.disable());
  return exporter;
}

/** What spans are below which, across `await`, as programs set it up. */
function keepContexts(): void {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...args) =>
      storage.run(active, () => work.call(self as ThisParameterType<typeof work>, ...args)),
    bind: (_active, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  context.setGlobalContextManager(manager);
  onTestFinished(() => context.disable());
}

/** Its sandboxes do not answer. */
const provider = {
  name: "silent",
  capabilities: {},
  create: async () => ({
    sandboxId: "imade",
    endpoint: () => {
      throw new Error("no answer");
    },
    gone: () => undefined,
  }),
  kill: async () => true,
} as unknown as SandboxProvider;
const quiet = { onError: () => {} };

test("a tool's call is a span by the conventions for generative AI", async () => {
  const exporter = tracer();
  await using tools = new SandboxTools({ provider }, { ...quiet, prefix: "box_" }, "langchain");
  await tools.get("run_code").execute({ code: "1" }, { toolCallId: "call_1", threadId: "t" });
  await using native = new NativeTools({ provider }, quiet);
  await native.bash({ command: "true" });
  const calls = exporter.getFinishedSpans().filter(({ name }) => name.startsWith("execute_tool"));
  expect(calls).toMatchObject([
    {
      name: "execute_tool box_run_code",
      status: { code: SpanStatusCode.ERROR },
      attributes: {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "box_run_code",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.conversation.id": "t",
        "emberbox.adapter": "langchain",
        "emberbox.sandbox.id": "imade",
        "error.type": "connection_failed",
      },
    },
    {
      name: "execute_tool bash",
      attributes: { "gen_ai.tool.name": "bash", "emberbox.sandbox.id": "imade" },
    },
  ]);
});

test("a call that ends well has no error, and one that rejects has one", async () => {
  const exporter = tracer();
  const end = { sandboxId: "ia", exitCode: 3 };
  expect(
    await inToolSpan(
      { tool: "one" },
      async () => 1,
      () => end,
    ),
  ).toBe(1);
  const aborted = inToolSpan(
    { tool: "two" },
    () => Promise.reject(new TypeError("no")),
    () => end,
  );
  await expect(aborted).rejects.toThrow("no");
  const [one, two] = exporter.getFinishedSpans();
  expect(one!.status.code).toBe(SpanStatusCode.UNSET);
  expect(one!.attributes).toMatchObject({ "emberbox.sandbox.id": "ia", "emberbox.exit_code": 3 });
  expect(two!.attributes).toMatchObject({ "error.type": "TypeError" });
});

test("what is asked of a sandbox is a span, without content; those of a tool's call are below it", async () => {
  const exporter = tracer();
  keepContexts();
  const sandbox = await Sandbox.create({ provider, template: "default" });
  await sandbox.runCode("hidden-1", { language: "python" }).catch(() => {});
  await sandbox.commands.run("hidden-2").catch(() => {});
  await sandbox.files.write("hidden-3", "hidden-4").catch(() => {});
  await sandbox.pause().catch(() => {});
  const spans = exporter.getFinishedSpans();
  const found = spans.map(({ name, attributes }) => [name, attributes["error.type"]]);
  expect(found).toEqual([
    ["sandbox.create", undefined],
    ["sandbox.run_code", "connection_failed"],
    ["commands.run", "protocol_error"],
    ["files.write", "connection_failed"],
    ["sandbox.pause", "unsupported"],
  ]);
  for (const { attributes } of spans) expect(attributes["emberbox.sandbox.id"]).toBe("imade");
  expect(spans[0]!.attributes).toMatchObject({
    ...{ "emberbox.provider": "silent", "emberbox.template": "default" },
  });
  expect(JSON.stringify(spans.map(({ attributes, events }) => [attributes, events]))).not.toContain(
    "hidden",
  );
  exporter.reset();
  await using tools = new SandboxTools({ provider }, quiet, "mcp");
  await tools.get("run_command").execute({ command: "true" }, { threadId: "t" });
  const below = exporter.getFinishedSpans();
  const tool = below.at(-1)!;
  expect(below.map(({ name }) => name)).toEqual([
    ...["sandbox.create", "commands.run", "execute_tool run_command"],
  ]);
  for (const { parentSpanContext } of below.slice(0, -1))
    expect(parentSpanContext?.spanId).toBe(tool.spanContext().spanId);
});

test("without a tracer, the work is done as it is", async () => {
  const work = Promise.resolve(1);
  expect(
    await inToolSpan(
      { tool: "one" },
      () => work,
      () => ({}),
    ),
  ).toBe(1);
});
