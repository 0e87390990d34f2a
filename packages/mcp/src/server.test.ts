import { InMemoryTransport, type JSONRPCMessage } from "@modelcontextprotocol/server";
import type { SandboxProvider } from "@emberbox/core/provider";
import { SandboxTools, type ToolResult } from "@emberbox/core/tools";
import { expect, test, vi } from "vitest";
import { answer } from "./answer.ts";
import { HEARTBEAT_MS } from "./progress.ts";
import { createMcpServer } from "./server.ts";

test("a call that prints nothing is reported on, with progress that rises", async () => {
  vi.useFakeTimers();
  try {
    const gate = Promise.withResolvers<never>();
    const provider = {
      name: "slow",
      capabilities: {},
      create: () => gate.promise,
    } as unknown as SandboxProvider;
    const tools = new SandboxTools(provider, { onError: () => {} });
    const [client, transport] = InMemoryTransport.createLinkedPair();
    const server = createMcpServer(tools);
    await server.connect(transport);
    const heard: Record<string, any>[] = [];
    const answered = Promise.withResolvers<void>();
    client.onmessage = (message: JSONRPCMessage) => {
      if ("result" in message) answered.resolve();
      else heard.push(message);
    };
    const params = {
      name: "write_file",
      arguments: { path: "a", content: "b" },
      _meta: { progressToken: "t" },
    };
    await client.send({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
    await vi.advanceTimersByTimeAsync(3 * HEARTBEAT_MS);
    expect(heard).toMatchObject(
      Array.from({ length: 3 }, () => ({
        method: "notifications/progress",
        params: { progressToken: "t" },
      })),
    );
    const progress = heard.map(({ params }) => params.progress as number);
    expect(progress).toEqual([...new Set(progress)].toSorted((a, b) => a - b));
    gate.reject(new Error("enough"));
    await answered.promise;
    await vi.advanceTimersByTimeAsync(3 * HEARTBEAT_MS);
    expect(heard).toHaveLength(3);
    await server.close();
  } finally {
    vi.useRealTimers();
  }
});

const data = { durationMs: 1, timedOut: false, outOfMemory: false, truncated: false };
const picture = { mimeType: "image/png", base64: "A".repeat(600_000), sizeBytes: 450_000 };
const result: ToolResult = {
  status: "done",
  tool: "run_code",
  isError: false,
  text: "drawn",
  pictures: [picture, picture],
  files: [],
  data,
};

test("a result that clients would throw away gets smaller, and says so", () => {
  const { content } = answer(result, false);
  expect(content.map(({ type }) => type)).toEqual(["text", "image"]);
  expect(content[0]).toMatchObject({ text: expect.stringMatching(/^drawn\n\n\(Of 2 pictures 1/) });
  const tables = [{ columns: { a: ["x".repeat(500_000)] } }];
  const structured = answer({ ...result, pictures: [picture], data: { ...data, tables } }, true);
  expect(structured.content).toHaveLength(2);
  expect(structured.structuredContent).toMatchObject({ text: "drawn", data: { truncated: true } });
  const small = { ...result, pictures: [] };
  expect(answer(small, true)).toMatchObject({
    content: [{ type: "text", text: "drawn" }],
    structuredContent: { data },
  });
});

async function listed(applyChanges?: boolean): Promise<Record<string, any>[]> {
  const provider = { name: "none", capabilities: {}, create: () => expect.fail() };
  const tools = new SandboxTools(provider as unknown as SandboxProvider, {
    include: ["run_command"],
  });
  const [client, transport] = InMemoryTransport.createLinkedPair();
  const server = createMcpServer(tools, { applyChanges });
  await server.connect(transport);
  const answered = Promise.withResolvers<Record<string, any>[]>();
  client.onmessage = (message: any) => answered.resolve(message.result.tools);
  await client.send({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} });
  const found = await answered.promise;
  await server.close();
  return found;
}

test("the tool that applies changes is there only when asked for, and is marked as destructive", async () => {
  expect((await listed()).map(({ name }) => name)).toEqual(["run_command"]);
  const [, apply] = await listed(true);
  expect(apply).toMatchObject({
    name: "apply_changes",
    annotations: { destructiveHint: true, readOnlyHint: false },
  });
});
