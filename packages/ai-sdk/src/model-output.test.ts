import type { ModelMessage } from "ai";
import { expect, test } from "vitest";
import type { ToolResult } from "@emberbox/core/tools";
import { modelOutput } from "./tools/model-output.ts";
import { placeOf } from "./tools/place.ts";

const result: ToolResult = {
  status: "done",
  tool: "run_code",
  isError: false,
  text: "42",
  pictures: [{ mimeType: "image/png", base64: "iVBORw0K", sizeBytes: 6 }],
  files: [],
  data: { durationMs: 1, timedOut: false, outOfMemory: false, truncated: false },
};
const file = {
  type: "file",
  mediaType: "image/png",
  data: { type: "data", data: "iVBORw0K" },
};

test("text, pictures as files, and failures as errors", () => {
  expect(modelOutput(result, true)).toEqual({
    type: "content",
    value: [{ type: "text", text: "42" }, file],
  });
  expect(modelOutput(result, false)).toEqual({ type: "text", value: "42" });
  const failed = { ...result, isError: true, pictures: [] };
  expect(modelOutput(failed, true)).toEqual({ type: "error-text", value: "42" });
});

test("where the machine was goes along, for the tools of later calls", () => {
  const position = { sandboxId: "sb", checkpointId: "cp", savedAt: 2 };
  const data = { ...result.data, position };
  const providerOptions = { emberbox: { position } };
  const whole = { ...result, data };
  expect(modelOutput(whole, false)).toMatchObject({ type: "text", providerOptions });
  expect(modelOutput(whole, true)).toMatchObject({
    value: [{ type: "text", providerOptions }, {}],
  });
  const forged = { ...result, data: { ...data, position: { ...position, checkpointId: "../x" } } };
  expect(modelOutput(forged, false)).toEqual({ type: "text", value: "42" });

  const messages = [whole, result].map((output, at): ModelMessage => {
    const call = { type: "tool-result", toolCallId: `${at}`, toolName: "run_code" } as const;
    return { role: "tool", content: [{ ...call, output: modelOutput(output, at === 0) }] };
  });
  const chat = { isChat: true, trusted: false };
  expect(placeOf(messages, chat)).toEqual({ at: position, step: messages, trusted: false });
  expect(placeOf(messages.slice(1), chat)).toBeUndefined();
  const begun: ModelMessage[] = [{ role: "user", content: "Go." }];
  expect(placeOf(begun, chat)).toMatchObject({ at: null });
  expect(placeOf(begun, { ...chat, isChat: false })).toBeUndefined();
});

test("what a client sends back may be anything", () => {
  for (const forged of [
    undefined,
    null,
    1,
    "text",
    [],
    {},
    { status: "done" },
    { status: "new" },
  ]) {
    expect(modelOutput(forged, true)).toMatchObject({ type: "error-text" });
  }
  const html = { ...result, pictures: [{ mimeType: "text/html", base64: "x", sizeBytes: 1 }] };
  expect(modelOutput(html, true)).toEqual({ type: "text", value: "42" });
  const running = { status: "running", tool: "run_command", stdout: "a", stderr: "b" };
  expect(modelOutput({ ...running, outputBytes: 2, elapsedMs: 1 }, true)).toMatchObject({
    value: expect.stringMatching(/stopped[\s\S]*ab$/),
  });
});
