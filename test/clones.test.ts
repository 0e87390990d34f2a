import { expect, test } from "vitest";
import { createSandbox, python } from "./support/sandboxes.ts";

const DRAW = `
import os, random, uuid, numpy, tempfile, secrets
print(os.urandom(16).hex())
print(random.random())
print(numpy.random.rand())
print(uuid.uuid4())
print(secrets.token_hex(8))
print(open("/proc/sys/kernel/random/uuid").read().strip())
print(open("/etc/machine-id").read().strip())
print(os.uname().nodename)
print(tempfile.mktemp())
`;

test("clones of one template agree on no random number, no identifier and no name", async () => {
  const sandboxes = await Promise.all([createSandbox(), createSandbox(), createSandbox()]);
  const draws = await Promise.all(
    sandboxes.map(async (sandbox) => (await python(sandbox, DRAW)).trim().split("\n")),
  );
  expect(draws[0]).toHaveLength(9);
  for (const row of draws[0]!.keys()) {
    const drawn = draws.map((lines) => lines[row]);
    expect(new Set(drawn), `draw ${row}: ${drawn}`).toHaveLength(sandboxes.length);
  }
  const nodeDraws = await Promise.all(
    sandboxes.map(
      async (sandbox) =>
        (await sandbox.commands.run("node -p 'crypto.randomUUID() + Math.random()'")).stdout,
    ),
  );
  expect(new Set(nodeDraws)).toHaveLength(sandboxes.length);
  await Promise.all(sandboxes.map((sandbox) => sandbox.kill()));
});

test("a new context draws other numbers than the default one", async () => {
  await using sandbox = await createSandbox();
  const context = await sandbox.createCodeContext();
  const code = "import random, numpy; print(random.random(), numpy.random.rand())";
  const other = await sandbox.runCode(code, { context });
  expect(other.logs.stdout.join("")).not.toBe(await python(sandbox, code));
});

test("the clock is the host's", async () => {
  await using sandbox = await createSandbox();
  const before = Date.now();
  const inside = Number(await python(sandbox, "import time; print(time.time() * 1000)"));
  expect(inside).toBeGreaterThan(before - 1000);
  expect(inside).toBeLessThan(Date.now() + 1000);
});

const DRAW_JAVASCRIPT = `
const crypto = require("node:crypto");
const key = crypto.generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x;
const vm = require("node:vm");
const fresh = vm.runInNewContext("Math.random()");
const made = vm.runInContext("Math.random()", vm.createContext({}));
const scripted = new vm.Script("Math.random()").runInNewContext();
[fresh, made, scripted, Math.random(), crypto.randomUUID(), globalThis.crypto.randomUUID(), crypto.randomInt(2 ** 40), crypto.randomBytes(8).toString("hex"), key]
`;

test("clones agree on no random number of JavaScript", async () => {
  const sandboxes = await Promise.all([createSandbox(), createSandbox()]);
  const draws = await Promise.all(
    sandboxes.map(
      async (sandbox) =>
        (await sandbox.runCode(DRAW_JAVASCRIPT, { language: "javascript" })).results[0]
          ?.json as unknown[],
    ),
  );
  expect(draws[0]).toHaveLength(9);
  expect(new Set(draws[0])).toHaveLength(9);
  for (const [row, drawn] of draws[0]!.entries()) expect(drawn).not.toBe(draws[1]![row]);
  await Promise.all(sandboxes.map((sandbox) => sandbox.kill()));
});
