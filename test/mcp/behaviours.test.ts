import { describeTools } from "@emberbox/conformance/vitest";
import { serveHttp } from "@emberbox/mcp";
import { microvm } from "@emberbox/microvm";
import { callTool, connectHttp, type TestClient } from "./support/client.ts";

describeTools(
  "MCP",
  () => microvm(),
  async (provider) => {
    const server = await serveHttp(provider, { port: 0, maxPictureBytes: 100_000 });
    // A conversation is a session, and so a client of its own.
    const clients = new Map<string, Promise<TestClient>>();
    const clientOf = (threadId: string): Promise<TestClient> => {
      const known = clients.get(threadId) ?? connectHttp(server.url);
      clients.set(threadId, known);
      return known;
    };
    return {
      call: async (tool, input, { threadId = "", ...options } = {}) =>
        callTool(await clientOf(threadId), tool, input, options),
      async [Symbol.asyncDispose]() {
        for (const client of clients.values()) await (await client).close();
        await server[Symbol.asyncDispose]();
      },
    };
  },
);
