import { asSchema, type ToolSet } from "ai";
import { expect, expectTypeOf, test } from "vitest";
import {
  bash,
  codeExecution,
  createSandboxTools,
  sandboxApproval,
  type SandboxOutput,
} from "./index.ts";
import { createSandboxSession } from "./session/index.ts";

test("a set has the tools that were asked for, under the names that were", async () => {
  await using all = createSandboxTools();
  expect(Object.keys(all.tools)).toEqual([
    "run_code",
    "run_command",
    "read_file",
    "write_file",
    "edit_file",
    "list_files",
  ]);
  await using some = createSandboxTools(all.sessions, { include: ["run_code"], prefix: "box_" });
  expect(Object.keys(some.tools)).toEqual(["box_run_code"]);
  expectTypeOf<keyof typeof some.tools>().toEqualTypeOf<"box_run_code">();
  expect(some.sessions).toBe(all.sessions);
  const set: ToolSet = { ...all.tools, python: codeExecution(all.sessions) };
  expect(set["python"]!.metadata).toEqual({
    sandboxTool: "run_code",
    title: expect.any(String),
    readOnly: false,
  });
});

test("the schemas say what the arguments are and let all pass; outputs are checked", async () => {
  const { inputSchema, outputSchema } = bash();
  const input = asSchema(inputSchema);
  expect(await input.jsonSchema).toMatchObject({
    type: "object",
    properties: { command: { type: "string" } },
    required: ["command"],
  });
  expect(await input.validate!({ what: 1 })).toEqual({ success: true, value: { what: 1 } });
  const output = asSchema<SandboxOutput>(outputSchema!);
  const running = { status: "running", tool: "run_code", stdout: "", stderr: "" };
  const progress = { ...running, outputBytes: 0, elapsedMs: 1 };
  expect(await output.validate!(progress)).toMatchObject({ success: true });
  expect(await output.validate!({ status: "running" })).toMatchObject({ success: false });
});

test("a session stands for its sandboxes, and says what it is", async () => {
  await using session = createSandboxSession({ network: false }, { threadId: "a" });
  expect(session.description).toMatch(/\/home\/user.*There is no network\./);
  await using tools = createSandboxTools(session);
  expect(tools.sessions).toBe(session.sessions);
  await using other = createSandboxSession(session, { threadId: "b" });
  expect(other.sessions).toBe(session.sessions);
});

test("options that cannot be are refused", () => {
  const wrong = { stream: "yes" } as unknown as { stream: boolean };
  expect(() => createSandboxTools(undefined, wrong)).toThrow(/`stream`/);
  expect(() => codeExecution(undefined, { timeoutMs: -1 })).toThrow(/`timeoutMs`/);
  expect(() => createSandboxTools(7 as unknown as undefined)).toThrow(/Expected a sandbox/);
  expect(() => createSandboxSession(undefined, { onIdle: "x" as "kill" })).toThrow(/`onIdle`/);
});

const rule = ({ command = "" }): "denied" | "approved" => (command ? "approved" : "denied");

test("what changes something is asked for, under whatever name", () => {
  const { tools } = createSandboxTools();
  const python = codeExecution();
  const own = { execute: () => 1 };
  const approval = sandboxApproval({ ...tools, python, own }, { run_command: rule });
  expect(approval).toEqual({
    run_code: "user-approval",
    run_command: rule,
    read_file: "not-applicable",
    write_file: "user-approval",
    edit_file: "user-approval",
    list_files: "not-applicable",
    python: "user-approval",
  });
});
