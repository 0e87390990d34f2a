/** A project that `emberbox init` makes. */
export interface Project {
  /** What it is, as a heading and in a list. */
  readonly title: string;
  /** The example that its program is, and what the program is called. */
  readonly example: string;
  readonly program: string;
  /** Packages of this repository that it depends on, in this version. */
  readonly ours: readonly string[];
  /** What else it depends on. The versions are those of the workspace's catalog, with which the examples are tested. */
  readonly beside: Readonly<Record<string, string>>;
  /** Versions that the framework does not ask for, but needs. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** The variable that has the key of the model's service, and whose service that is. */
  readonly key?: readonly [variable: string, service: string];
  /** Files that are not TypeScript, by their names. */
  readonly files?: Readonly<Record<string, string>>;
  /** What the project's README says besides its commands. */
  readonly notes?: string;
}

/** What every project is checked with. */
export const tools: Readonly<Record<string, string>> = {
  "@types/node": "^24.19.2",
  typescript: "^7.0.2",
};

const anthropic = ["ANTHROPIC_API_KEY", "Anthropic"] as const;

const mcpServer = { command: "npx", args: ["emberbox", "mcp"] };

export const projects: Readonly<Record<string, Project>> = {
  plain: {
    title: "Code in a sandbox",
    example: "first.ts",
    program: "first.ts",
    ours: ["emberbox"],
    beside: {},
  },
  langchain: {
    title: "A LangChain agent with a sandbox",
    example: "langchain/agent.ts",
    program: "agent.ts",
    ours: ["emberbox", "@emberbox/langchain"],
    beside: {
      "@langchain/anthropic": "1.5.11",
      "@langchain/core": "1.2.13",
      "@langchain/langgraph": "1.4.18",
      langchain: "1.5.14",
    },
    overrides: { "@langchain/langgraph-sdk": "1.12.0" },
    key: anthropic,
  },
  "ai-sdk": {
    title: "An AI SDK agent with a sandbox",
    example: "ai-sdk/agent.ts",
    program: "agent.ts",
    ours: ["emberbox", "@emberbox/ai-sdk"],
    beside: { "@ai-sdk/anthropic": "4.0.105", ai: "7.0.173", zod: "^4.6.7" },
    key: anthropic,
  },
  "openai-agents": {
    title: "An agent of the OpenAI Agents SDK with a sandbox",
    example: "openai-agents/main.ts",
    program: "agent.ts",
    ours: ["emberbox", "@emberbox/openai-agents"],
    beside: { "@openai/agents": "^0.20.0", "@openai/agents-core": "^0.20.0", zod: "^4.6.7" },
    key: ["OPENAI_API_KEY", "OpenAI"],
  },
  mcp: {
    title: "A sandbox for MCP clients",
    example: "mcp/client.ts",
    program: "client.ts",
    ours: ["emberbox"],
    beside: { "@modelcontextprotocol/client": "^2.4.0" },
    files: { ".mcp.json": json({ mcpServers: { emberbox: mcpServer } }) },
    notes: `\`.mcp.json\` is what Claude Code reads in this folder. Cursor reads the same from \`.cursor/mcp.json\`. \`client.ts\` is a client of its own: it starts the server and works in its sandbox, without a model.
`,
  },
};

/** Text of a file in JSON. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
