import { SpanStatusCode, trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { expect, onTestFinished, test } from "vitest";
import type { SandboxProvider } from "./provider.ts";
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
  expect(exporter.getFinishedSpans()).toMatchObject([
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
