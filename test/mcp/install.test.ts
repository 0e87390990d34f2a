import { describeInstall } from "../support/install.ts";

describeInstall("@emberbox/mcp", {
  packages: ["core", "mcp"],
  beside: { "@modelcontextprotocol/client": "2.4.0" },
  program: `
    import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
    import { serveHttp } from "@emberbox/mcp";

    await using server = await serveHttp(undefined, { port: 0, include: ["run_code"] });
    const client = new Client({ name: "installed", version: "1.0.0" });
    await client.connect(new StreamableHTTPClientTransport(new URL(server.url)));
    const { tools } = await client.listTools();
    const { content } = await client.callTool({ name: "run_code", arguments: { code: "1" } });
    if (tools.length !== 1) throw new Error(JSON.stringify(tools));
    if (!JSON.stringify(content).includes("no sandbox")) throw new Error(JSON.stringify(content));
    await client.close();
  `,
  names: { "@emberbox/mcp": ["createMcpServer", "serveHttp", "serveStdio"] },
});
