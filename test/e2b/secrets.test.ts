import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { microvm } from "@emberbox/microvm";
import { type EmberboxServer, serve } from "@emberbox/server";
import { Sandbox, Secret } from "e2b";
import { afterAll, beforeAll, expect, test } from "vitest";
import { paths } from "../../packages/microvm/src/host/paths.ts";
import {
  LOOPBACK,
  startServer,
  startTestNetwork,
  type TestNetwork,
  type TestServer,
} from "../support/outside.ts";
import { sdkOptions, temporaryDirectory } from "../support/server.ts";

let network: TestNetwork;
let web: TestServer;
/** What requests have carried. */
const seen: unknown[] = [];
const state = temporaryDirectory();
const ONE = "value-one-of-the-secret";
const TWO = "value-two-of-the-secret";

beforeAll(async () => {
  network = await startTestNetwork(["api.test"]);
  web = await startServer(
    (request, response) => {
      seen.push([request.headers["authorization"], request.headers["x-version"]]);
      response.end("fine");
    },
    await network.authority.certify("api.test"),
  );
});
afterAll(async () => {
  await network[Symbol.asyncDispose]();
  await web[Symbol.asyncDispose]();
});

const start = (provider = network.provider): Promise<EmberboxServer> =>
  serve({
    provider,
    port: 0,
    stateDirectory: state,
    network: { allowOut: [LOOPBACK, "api.test"], denyOut: ["0.0.0.0/0"] },
  });

const rules = (secret = "api-key") => ({
  "api.test": [
    {
      transform: {
        headers: { Authorization: `Bearer ${Secret.fill(secret)}`, "X-Version": "2026" },
      },
    },
  ],
});

const sent = async (by: Sandbox): Promise<unknown> => {
  const { stdout } = await by.commands.run(`curl -sS https://api.test:${web.port}/`);
  expect(stdout).toBe("fine");
  return seen.pop();
};

test("a secret is filled in outside, in its present version, also by the next server", async () => {
  const server = await start();
  const options = sdkOptions(server);
  await Secret.create("api-key", ONE, options);
  const allowed = { allowOut: ["api.test", LOOPBACK], denyOut: ["0.0.0.0/0"] };
  const of = (secret?: string) => ({ ...allowed, rules: rules(secret) });
  await expect(Sandbox.create({ ...options, network: of("no-such") })).rejects.toThrow(
    /no secret 'no-such'/,
  );
  const sandbox = await Sandbox.create({ ...options, network: of(), timeoutMs: 900_000 });
  expect(await sent(sandbox)).toEqual([`Bearer ${ONE}`, "2026"]);
  expect(JSON.stringify(await sandbox.getInfo())).not.toContain(ONE);

  await Secret.update("api-key", TWO, options);
  expect(await sent(sandbox)).toEqual([`Bearer ${ONE}`, "2026"]);
  await sandbox.updateNetwork(of());
  expect(await sent(sandbox)).toEqual([`Bearer ${TWO}`, "2026"]);
  await expect(sandbox.updateNetwork(of("no-such"))).rejects.toThrow(/no secret 'no-such'/);
  const [fork] = (await Sandbox.fork(sandbox.sandboxId, options)) as [Sandbox];
  expect(await sent(fork)).toEqual([`Bearer ${TWO}`, "2026"]);
  await fork.kill();

  await Secret.update("api-key", ONE, options);
  await sandbox.pause();
  await Sandbox.connect(sandbox.sandboxId, options);
  expect(await sent(sandbox)).toEqual([`Bearer ${ONE}`, "2026"]);
  await sandbox.pause();
  await server.close();
  for (const kept of [state, join(paths(process.env).state, "paused", sandbox.sandboxId)])
    expect(String(spawnSync("grep", ["-rlF", "-e", ONE, "-e", TWO, kept]).stdout)).toBe("");

  // Another program, which knows only what is on disk.
  const { names, authority } = network;
  await using provider = microvm({
    network: { dnsServers: [names.address], ca: [authority.ca] },
  });
  await using next = await start(provider);
  const again = sdkOptions(next);
  const resumed = await Sandbox.connect(sandbox.sandboxId, again);
  expect(await sent(resumed)).toEqual([`Bearer ${ONE}`, "2026"]);

  expect(await Secret.destroy("api-key", again)).toBe(true);
  await resumed.pause();
  await Sandbox.connect(sandbox.sandboxId, again);
  expect(await sent(resumed)).toEqual(["Bearer", "2026"]);
  await resumed.kill();
});
