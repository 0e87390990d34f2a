import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEmberboxSandbox } from "../packages/ai-sdk/src/harness/index.ts";
import { paths } from "../packages/microvm/src/host/paths.ts";
import {
  LOOPBACK,
  startServer,
  startTestNetwork,
  type TestNetwork,
  type TestServer,
} from "./support/outside.ts";
import { machinesOf } from "./support/processes.ts";

let network: TestNetwork;
let web: TestServer;
const keys: unknown[] = [];
const RULE = "value-that-a-rule-sets";
const VALUE = "correct-horse-battery-staple";

beforeAll(async () => {
  network = await startTestNetwork(["api.test"]);
  web = await startServer(
    (request, response) => {
      keys.push(request.headers["x-key"]);
      response.end("fine");
    },
    await network.authority.certify("api.test"),
  );
});
afterAll(async () => {
  await network[Symbol.asyncDispose]();
  await web[Symbol.asyncDispose]();
});

const pidsOf = (): number[] => machinesOf().map(({ pid }) => pid);

test("a spare from the pool has the network and the secrets it was asked for", async () => {
  const outside = { dnsServers: [network.names.address], ca: [network.authority.ca] };
  await using pooled = microvm({ pool: { size: 1 }, network: outside });
  const options = {
    provider: pooled,
    network: { allowOut: ["api.test", LOOPBACK], denyOut: ["0.0.0.0/0"] },
    secrets: { KEY: { value: VALUE, hosts: ["api.test"] } },
  };
  const before = machinesOf().length;
  await using first = await Sandbox.create(options);
  await expect.poll(() => machinesOf().length, { timeout: 60_000 }).toBe(before + 2);
  // The spare answers two calls before it may be taken.
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const spares = pidsOf();
  await using second = await Sandbox.create(options);
  const ask = `printenv KEY; curl -sS -H "X-Key: $KEY" https://api.test:${web.port}/; curl -sS http://no.test/`;
  const [one, other] = await Promise.all([first.commands.run(ask), second.commands.run(ask)]);
  const refused = "Refused by the sandbox's network policy: no.test is not in allowOut.\n";
  expect(other.stdout).toMatch(/^emberbox-secret-[0-9a-f]{32}\nfine/);
  expect(other.stdout.slice(-refused.length)).toBe(refused);
  expect(one.stdout.slice(0, 40)).not.toBe(other.stdout.slice(0, 40));
  expect(keys.splice(0)).toEqual([VALUE, VALUE]);

  await second.kill();
  const ended = (): number[] => spares.filter((pid) => !pidsOf().includes(pid));
  await expect.poll(ended, { timeout: 10_000 }).toHaveLength(1);
});

test("a network, as it was changed, and its secrets outlive a pause and are those of copies", async () => {
  const { provider } = network;
  await using sandbox = await Sandbox.create({
    provider,
    timeoutMs: 900_000,
    network: { allowOut: ["api.test"], denyOut: ["0.0.0.0/0"] },
    secrets: { KEY: { value: VALUE, hosts: ["api.test"] } },
  });
  const allowOut = ["api.test", LOOPBACK];
  const rules = { "ruled.test": [{ transform: { headers: { "X-Rule": RULE } } }] };
  await sandbox.updateNetwork({ allowOut, denyOut: ["0.0.0.0/0"], rules });
  const key = (await sandbox.commands.run("printenv KEY")).stdout.trim();
  const ask = `curl -sS -H 'X-Key: ${key}' https://api.test:${web.port}/; curl -sS http://no.test/`;
  const expected = "fineRefused by the sandbox's network policy: no.test is not in allowOut.\n";
  expect((await sandbox.commands.run(ask)).stdout).toBe(expected);

  await sandbox.pause();
  const kept = join(paths(process.env).state, "paused", sandbox.sandboxId);
  expect(existsSync(join(kept, "manifest.json"))).toBe(true);
  // Neither is in a file of it, its memory among them.
  const { stdout } = spawnSync("grep", ["-rlF", "-e", RULE, "-e", VALUE, kept]);
  expect(String(stdout)).toBe("");
  await sandbox.connect();
  expect((await sandbox.commands.run(ask)).stdout).toBe(expected);
  const [copy] = await sandbox.fork();
  await using fork = copy as Sandbox;
  expect((await fork.commands.run(ask)).stdout).toBe(expected);
  expect(keys).toEqual([VALUE, VALUE, VALUE]);
});

const key = (value: string) => ({
  match: {
    host: "api.test",
    path: { startsWith: "/v1" },
    headers: [{ key: { exact: "x-key" }, value: { exact: "placeholder" } }],
  },
  transform: { headers: { "x-key": value } },
});

test("a harness's keys are put into requests outside, also after a resume", async () => {
  const sandboxes = createEmberboxSandbox(network.provider);
  const session = await sandboxes.createSession({ sessionId: "keys" });
  const sent = async (by: Pick<typeof session, "run">, path: string, as: string, more = "") => {
    const command = `curl ${more} -sS -m 20 -H 'x-key: ${as}' https://api.test:${web.port}${path}`;
    expect(await by.run({ command })).toEqual({ exitCode: 0, stdout: "fine", stderr: "" });
    return keys.at(-1);
  };
  await session.setNetworkPolicy!({
    mode: "custom",
    allowedHosts: ["api.test"],
    allowedCIDRs: ["127.0.0.0/8"],
    deniedCIDRs: ["127.0.0.2"],
  });
  await session.addRequestTransformations!([key("real-1")]);
  expect(await sent(session, "/v1/x", "placeholder")).toBe("real-1");
  expect(await sent(session, "/v1/x", "another")).toBe("another");
  expect(await sent(session, "/v2", "placeholder")).toBe("placeholder");
  await session.stop();
  const resumed = await sandboxes.resumeSession({ sessionId: "keys" });
  try {
    await resumed.addRequestTransformations!([key("real-2")]);
    expect(await sent(resumed, "/v1/x", "placeholder")).toBe("real-2");
    const elsewhere = "curl -sS -m 20 https://example.com; curl -sS -m 20 http://127.0.0.2:1";
    expect((await resumed.run({ command: elsewhere })).exitCode).not.toBe(0);
    await resumed.setRequestTransformations!([]);
    // The connection is the server's own then, whose certificate the machine does not know.
    expect(await sent(resumed, "/v1/x", "placeholder", "-k")).toBe("placeholder");
  } finally {
    await resumed.destroy();
  }
});
