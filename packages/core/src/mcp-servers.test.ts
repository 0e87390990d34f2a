import { expect, test } from "vitest";
import { mcpServers } from "./mcp-servers.ts";
import { parseCreateOptions, refuseUnclaimed } from "./sandbox-options.ts";

const isTaken = (servers: unknown): boolean => mcpServers.safeParse(servers).success;

test("what only the provider knows is passed on, and what is ours is checked", () => {
  for (const servers of [
    {},
    { exa: { apiKey: "x" }, memory: {}, left: undefined },
    { a: { npm: "@scope/name@^1.2.0" }, b: { pypi: "name[cli]>=1.0" } },
    { "github/owner/repository.js": { runCmd: "node ." } },
  ])
    expect([servers, isTaken(servers)]).toEqual([servers, true]);
  for (const servers of [
    null,
    [],
    { a: null },
    { a: { npm: "name; rm -rf /" } },
    { a: { npm: "name", envs: { "A=B": "1" } } },
    { a: { pypi: "-r requirements.txt" } },
    { a: { command: "x\0" } },
    { "github/../owner": { runCmd: "x" } },
    { "github/owner/..": {} },
    { "": {} },
    { a: { b: "x".repeat(70_000) } },
  ])
    expect([servers, isTaken(servers)]).toEqual([servers, false]);
});

test("a mistake shows no setting, which may be a secret", () => {
  const wrong = { mcp: { a: { npm: "-x", envs: { KEY: "sesame" } } } };
  expect(() => parseCreateOptions(wrong)).toThrow(
    "Expected the `mcp` option to be an object of at most 32 MCP servers",
  );
  expect(() => parseCreateOptions(wrong)).not.toThrow("sesame");
});

test("a provider without it says so", () => {
  const provider = { name: "plain", capabilities: {} } as Parameters<typeof refuseUnclaimed>[0];
  expect(() => refuseUnclaimed(provider, { mcp: {} })).toThrow("run MCP servers in a sandbox");
});
