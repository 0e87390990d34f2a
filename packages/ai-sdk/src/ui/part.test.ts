import { expect, test } from "vitest";
import { sandboxPart, toolState } from "./index.ts";

const part = {
  type: "tool-python",
  toolCallId: "c",
  toolMetadata: { sandboxTool: "run_code" },
  input: { code: "1 + 1" },
};
const output = {
  status: "done",
  tool: "run_code",
  isError: false,
  text: "2",
  pictures: [
    { mimeType: "image/png", base64: "iVBO", sizeBytes: 3, path: "/tmp/a.png" },
    { mimeType: "image/png", base64: "", url: "/pictures/b.png" },
    { mimeType: "image/png", base64: "", url: "javascript:alert(1)" },
    { mimeType: "image/svg+xml", base64: "PHN2", sizeBytes: 3 },
  ],
  files: [{ path: "/tmp/a.png", mimeType: "image/png", sizeBytes: 3, change: "created" }],
  data: { durationMs: 5, stdout: "out", exitCode: 0 },
};

test("a part from its first argument to its result", () => {
  const states = [
    { state: "input-streaming" },
    { state: "input-available" },
    { state: "approval-requested" },
    { state: "approval-requested", approval: { id: "a", isAutomatic: true } },
    { state: "output-denied" },
    { state: "output-error", errorText: "no" },
    { state: "output-available", preliminary: true, output: { status: "running", stdout: "o" } },
    { state: "output-available", preliminary: true, output },
    { state: "output-available", output: { ...output, isError: true } },
  ];
  expect(states.map((state) => sandboxPart({ ...part, ...state })!.state)).toEqual([
    "writing",
    "running",
    "asking",
    "running",
    "denied",
    "failed",
    "running",
    "done",
    "failed",
  ]);
  expect(states.map((state) => toolState({ ...part, ...state }))).toEqual([
    "input-streaming",
    "input-available",
    "approval-requested",
    "approval-requested",
    "output-denied",
    "output-error",
    "input-available",
    "output-available",
    "output-error",
  ]);
});

test("a result has what is shown", () => {
  expect(sandboxPart({ ...part, state: "output-available", output })).toEqual({
    toolCallId: "c",
    kind: "run_code",
    state: "done",
    subject: "1 + 1",
    language: "python",
    stdout: "out",
    stderr: "",
    text: "2",
    pictures: [
      { src: "data:image/png;base64,iVBO", mediaType: "image/png", path: "/tmp/a.png" },
      { src: "/pictures/b.png", mediaType: "image/png" },
    ],
    files: [{ path: "/tmp/a.png", mediaType: "image/png", sizeBytes: 3, change: "created" }],
    exitCode: 0,
    elapsedMs: 5,
  });
});

test("parts of others are not touched, and nothing that comes makes it throw", () => {
  for (const other of [
    undefined,
    null,
    1,
    "x",
    {},
    { type: "text", text: "x" },
    { toolCallId: "c" },
  ])
    expect(sandboxPart(other)).toBeUndefined();
  const odd = {
    ...part,
    state: 7,
    input: null,
    output: { pictures: [null, 1], files: "x", data: [] },
  };
  expect(sandboxPart(odd)).toMatchObject({ subject: "", files: [], pictures: [] });
});
