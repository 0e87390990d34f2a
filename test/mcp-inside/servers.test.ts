import { type Sandbox, Template } from "@emberbox/core";
import type { Client } from "@modelcontextprotocol/client";
import { Sandbox as E2bSandbox } from "e2b";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findRegistry, registryEnvs } from "../support/outside.ts";
import { createSandbox, provider } from "../support/sandboxes.ts";
import { sdkOptions, startServer } from "../support/server.ts";
import { connectMcp, seer, textOf, untilOffered } from "./support.ts";

/** A call waits as long as its server starts. */
const timeout = 600_000;
const template = `mcp-${process.pid}`;
const own = { command: "node", args: ["-e", seer] };

describe("a sandbox with MCP servers", () => {
  let sandbox: Sandbox;
  let client: Client;
  beforeAll(async () => {
    const registry = await findRegistry();
    const withMemory = Template()
      .fromTemplate("mcp-gateway")
      .setEnvs(registryEnvs(registry))
      .addMcpServer("memory");
    const network = { allowOut: registry.allowOut, denyOut: ["0.0.0.0/0"] };
    await Template.build(withMemory, { name: template, provider, network });
    sandbox = await createSandbox({
      template,
      timeoutMs: 3_600_000,
      // What the template has needs no network.
      network: { allowOut: ["example.com"], denyOut: ["0.0.0.0/0"] },
      secrets: { SEER_KEY: { value: "the-real-key", hosts: ["example.com"] } },
      envs: {
        // A repository in the sandbox stands in for those of GitHub.
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: "url.file:///home/user/github/.insteadOf",
        GIT_CONFIG_VALUE_0: "https://github.com/",
      },
      mcp: {
        bad: { command: "node", args: ["/home/user/not-there.cjs"] },
        seer: { ...own, envs: { KEY: "${SEER_KEY}" } },
        memory: {},
      },
    });
    client = await connect();
  });
  afterAll(async () => {
    await client?.close();
    await sandbox?.kill();
    await Template.delete(template, { provider });
  });

  const connect = async (): Promise<Client> =>
    connectMcp(await sandbox.getMcpUrl(), (await sandbox.getMcpToken())!);

  /** What the server of ours sees. */
  async function look(name = "seer_look"): Promise<Record<string, unknown>> {
    const seen = textOf(await client.callTool({ name }, { timeout }));
    return JSON.parse(seen) as Record<string, unknown>;
  }

  test("they run as its user, with variables of their own and placeholders of secrets", async () => {
    const { stdout } = await sandbox.commands.run("id -u; echo $SEER_KEY");
    const [uid, placeholder] = stdout.trim().split("\n");
    await untilOffered(client, "seer_look");
    const seen = await look();
    expect(seen).toMatchObject({ uid: Number(uid), cwd: "/home/user", HOME: "/home/user" });
    expect(seen["KEY"]).toBe(placeholder);
    expect(placeholder).not.toContain("the-real-key");
    expect(seen).not.toHaveProperty("GATEWAY_ACCESS_TOKEN");
  });

  test(
    "one that npm has is in the template, and works beside one that fails and says why",
    { timeout },
    async () => {
      await untilOffered(client, "memory_create_entities");
      const entities = [{ name: "ember", entityType: "thing", observations: ["glows"] }];
      await client.callTool(
        { name: "memory_create_entities", arguments: { entities } },
        { timeout },
      );
      const graph = await client.callTool({ name: "memory_read_graph" }, { timeout });
      expect(textOf(graph)).toContain("glows");
      const status = textOf(await client.callTool({ name: "mcp_servers_status" }));
      expect(status).toMatch(
        /bad: failed, it did not start: .*not-there\.cjs.*seer: ready\nmemory: ready/s,
      );
      const log = await sandbox.files.read("/var/log/mcp-gateway/gateway.log", { user: "root" });
      expect(log).toContain("bad: failed");
    },
  );

  test("only the token opens it", async () => {
    const url = await sandbox.getMcpUrl();
    await expect(connectMcp(url, "wrong")).rejects.toThrow();
    const answer = await fetch(url, { headers: { authorization: "Bearer wrong" } });
    expect(answer.status).toBe(401);
    const { stderr } = await sandbox.commands.run("cat /etc/mcp-gateway/.token");
    expect(stderr).toContain("Permission denied");
  });

  test("they go on when it is paused and resumed", async () => {
    const before = await look();
    await client.close();
    await sandbox.pause();
    await sandbox.connect();
    client = await connect();
    expect((await look())["pid"]).toBe(before["pid"]);
  });

  test("others take their place; one is cloned and installed", { timeout }, async () => {
    const runCmd = "test -e installed && exec node server.cjs";
    const servers = { "github/some-one/a.server": { installCmd: "touch installed", runCmd } };
    await sandbox.files.write("github/some-one/a.server.git/server.cjs", seer);
    await client.close();
    const { exitCode, stderr } = await sandbox.commands.run(
      `cd ~user/github/some-one/a.server.git && sudo -u user sh -c 'git init -q && git add . && git -c user.name=a -c user.email=a@b.c commit -qm a' &&
      mcp-gateway --config '${JSON.stringify(servers)}'`,
      { user: "root", envs: { GATEWAY_ACCESS_TOKEN: "another" }, timeoutMs: timeout },
    );
    expect([exitCode, stderr]).toEqual([0, ""]);
    client = await connectMcp(await sandbox.getMcpUrl(), "another");
    await untilOffered(client, "github_some-one_a_server_look");
    const { cwd } = await look("github_some-one_a_server_look");
    expect(cwd).toMatch(/^\/var\/lib\/mcp-gateway\/github-/);
    expect((await client.listTools()).tools).toHaveLength(1);
  });
});

test("a name that is not known is an error that lists those that are, and leaves no sandbox", async () => {
  const before = (await provider.list()).length;
  await expect(createSandbox({ mcp: { exa: { apiKey: "sesame" } } })).rejects.toMatchObject({
    code: "mcp_failed",
    message: expect.stringMatching(/no MCP server `exa` here: known are brave, .*time/) as string,
  });
  expect(await provider.list()).toHaveLength(before);
});

test("E2B's SDK starts servers as it does in E2B's cloud", async () => {
  const options = sdkOptions(await startServer());
  // Its types know E2B's own names only.
  const theirs = await E2bSandbox.create({ ...options, mcp: { seer: own } as never });
  try {
    const token = (await theirs.getMcpToken())!;
    expect(theirs.getMcpUrl()).toContain(`50005-${theirs.sandboxId}.`);
    const { url } = await provider.connect(theirs.sandboxId);
    const client = await connectMcp(`${await url!(50005)}/mcp`, token);
    await untilOffered(client, "seer_look");
    await client.close();
  } finally {
    await theirs.kill();
  }
  const failure = E2bSandbox.create({ ...options, mcp: { exa: { apiKey: "x" } } });
  await expect(failure).rejects.toThrow(
    "Failed to start MCP gateway: There is no MCP server `exa`",
  );
});
