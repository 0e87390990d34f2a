import { Sandbox } from "@emberbox/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  LOOPBACK,
  startServer,
  startTestNetwork,
  type TestNetwork,
  type TestServer,
} from "./support/outside.ts";

let network: TestNetwork;
let web: TestServer;
const keys: unknown[] = [];
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

test("a network, as it was changed, and its secrets outlive a pause and are those of copies", async () => {
  const { provider } = network;
  await using sandbox = await Sandbox.create({
    provider,
    timeoutMs: 900_000,
    network: { allowOut: ["api.test"], denyOut: ["0.0.0.0/0"] },
    secrets: { KEY: { value: VALUE, hosts: ["api.test"] } },
  });
  const allowOut = ["api.test", LOOPBACK];
  await sandbox.updateNetwork({ allowOut, denyOut: ["0.0.0.0/0"] });
  const key = (await sandbox.commands.run("printenv KEY")).stdout.trim();
  const ask = `curl -sS -H 'X-Key: ${key}' https://api.test:${web.port}/; curl -sS http://no.test/`;
  const expected = "fineRefused by the sandbox's network policy: no.test is not in allowOut.\n";
  expect((await sandbox.commands.run(ask)).stdout).toBe(expected);

  await sandbox.pause();
  await sandbox.connect();
  expect((await sandbox.commands.run(ask)).stdout).toBe(expected);
  const [copy] = await sandbox.fork();
  await using fork = copy as Sandbox;
  expect((await fork.commands.run(ask)).stdout).toBe(expected);
  expect(keys).toEqual([VALUE, VALUE, VALUE]);
});
