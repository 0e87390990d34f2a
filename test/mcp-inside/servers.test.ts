import { Sandbox } from "@emberbox/core";
import type { Client } from "@modelcontextprotocol/client";
import { Sandbox as E2bSandbox } from "e2b";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSandbox, provider } from "../support/sandboxes.ts";
import { sdkOptions, startServer } from "../support/server.ts";
import { connectMcp, seer, textOf } from "./support.ts";

/** Long enough for an installation on a busy machine. */
const timeout = 600_000;
let sandbox: Sandbox;
let client: Client;
beforeAll(async () => {
  sandbox = await createSandbox({
    timeoutMs: 3_600_000,
    secrets: { SEER_KEY: { value: "the-real-key", hosts: ["example.com"] } },
    mcp: {
      // That program is only the error's: node says that it is not there.
      bad: { command: "node", args: ["/home/user/not-there.cjs"] },
      seer: { command: "node", args: ["-e", seer], envs: { KEY: "${SEER_KEY}" } },
      everything: {},
    },
  });
  client = await connectMcp(await sandbox.getMcpUrl(), (await sandbox.getMcpToken())!);
});
afterAll(() => client?.close());

const namesOf = async (of: Client): Promise<string[]> =>
  (await of.listTools()).tools.map(({ name }) => name);

/** What the server of ours sees. */
async function look(): Promise<Record<string, unknown>> {
  const seen = textOf(await client.callTool({ name: "seer_look" }, { timeout }));
  return JSON.parse(seen) as Record<string, unknown>;
}

test("a sandbox's servers run as its user, with their own variables and placeholders of secrets", async () => {
  const { stdout } = await sandbox.commands.run("id -u; echo $SEER_KEY");
  const [uid, placeholder] = stdout.trim().split("\n");
  const seen = await look();
  expect(seen).toMatchObject({ uid: Number(uid), cwd: "/home/user", HOME: "/home/user" });
  expect(seen["KEY"]).toBe(placeholder);
  expect(placeholder).not.toContain("the-real-key");
  expect(seen).not.toHaveProperty("GATEWAY_ACCESS_TOKEN");
});

test("a server that npm has is installed, beside one that fails", { timeout }, async () => {
  while (!(await namesOf(client)).includes("everything_echo"));
  const call = { name: "everything_echo", arguments: { message: "from inside" } };
  expect(textOf(await client.callTool(call, { timeout }))).toContain("from inside");
  const status = textOf(await client.callTool({ name: "mcp_servers_status" }));
  expect(status).toMatch(/bad: failed, .*not-there\.cjs/s);
  expect(status).toMatch(/seer: ready\neverything: ready/);
  const log = await sandbox.files.read("/var/log/mcp-gateway/gateway.log", { user: "root" });
  expect(log).toContain("bad: failed");
});

test("only the token opens it", async () => {
  const url = await sandbox.getMcpUrl();
  await expect(connectMcp(url, "wrong")).rejects.toThrow();
  const answer = await fetch(url, { headers: { authorization: "Bearer wrong" } });
  expect(answer.status).toBe(401);
  await expect(sandbox.files.read("/etc/mcp-gateway/.token")).rejects.toMatchObject({
    code: "permission_denied",
  });
});

test("a paused sandbox's servers go on when it is resumed", async () => {
  const before = await look();
  await client.close();
  await sandbox.pause();
  await sandbox.connect();
  client = await connectMcp(await sandbox.getMcpUrl(), (await sandbox.getMcpToken())!);
  expect((await look())["pid"]).toBe(before["pid"]);
});

test("a name that is not known ends the sandbox with an error that lists those that are", async () => {
  const before = (await Sandbox.list({ provider })).length;
  const failure = createSandbox({ mcp: { exa: { apiKey: "sesame" } } });
  await expect(failure).rejects.toMatchObject({
    code: "mcp_failed",
    message: expect.stringMatching(/no MCP server `exa` here: known are brave, .*time/) as string,
  });
  expect(await Sandbox.list({ provider })).toHaveLength(before);
  expect(await sandbox.getMcpToken()).toBeDefined();
});

test("E2B's SDK starts servers as it does in E2B's cloud", { timeout }, async () => {
  const server = await startServer();
  const own = { runCmd: `node -e '${seer}'` };
  const theirs = await E2bSandbox.create({
    ...sdkOptions(server),
    // A repository that is in the sandbox stands in for GitHub: the name is asked from the right host.
    mcp: { memory: {}, "github/some-one/server": own },
  });
  try {
    const token = (await theirs.getMcpToken())!;
    expect(theirs.getMcpUrl()).toContain(`50005-${theirs.sandboxId}`);
    const url = await new Sandbox(await provider.connect(theirs.sandboxId), provider).getMcpUrl();
    const mine = await connectMcp(url, token);
    while (!(await namesOf(mine)).includes("memory_create_entities"));
    await mine.close();
    const failure = E2bSandbox.create({ ...sdkOptions(server), mcp: { exa: { apiKey: "x" } } });
    await expect(failure).rejects.toThrow("Failed to start MCP gateway: There is no MCP server");
  } finally {
    await theirs.kill();
  }
});
