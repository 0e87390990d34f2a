import { join } from "node:path";
import {
  Client,
  type ClientOptions,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type { ToolAnswer, ToolCallOptions } from "@emberbox/conformance";

/** The program that users start. */
export const command = {
  command: process.execPath,
  args: [join(import.meta.dirname, "../../../packages/emberbox/bin/emberbox.mjs"), "mcp"],
};

/** A client, disconnected at the end. */
export class TestClient extends Client implements AsyncDisposable {
  constructor(options?: ClientOptions) {
    super({ name: "test", version: "1.0.0" }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Starts a server of its own for the client. */
export async function connectStdio(
  parameters: readonly string[] = [],
  options?: ClientOptions,
): Promise<TestClient> {
  const client = new TestClient(options);
  const args = [...command.args, ...parameters];
  await client.connect(
    new StdioClientTransport({ ...command, args, env: process.env as Record<string, string> }),
  );
  return client;
}

export async function connectHttp(
  url: string,
  headers: Record<string, string> = {},
  options?: ClientOptions,
): Promise<TestClient> {
  const client = new TestClient(options);
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
  );
  return client;
}

const LONG_MS = 300_000;

/** Calls a tool as a host of MCP does for its model. */
export async function callTool(
  client: Client,
  name: string,
  input: unknown,
  { signal, onOutput }: Pick<ToolCallOptions, "signal" | "onOutput"> = {},
): Promise<ToolAnswer> {
  const { content, isError } = await client.callTool(
    { name, arguments: input as Record<string, unknown> },
    {
      timeout: LONG_MS,
      ...(signal && { signal }),
      ...(onOutput && { onprogress: ({ message }) => onOutput(message ?? "") }),
    },
  );
  return {
    text: content.map((part) => (part.type === "text" ? part.text : "")).join(""),
    isError: isError === true,
    pictures: content.flatMap((part) =>
      part.type === "image" ? [{ mimeType: part.mimeType, base64: part.data }] : [],
    ),
  };
}
