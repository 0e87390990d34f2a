import { Sandbox } from "@emberbox/core";
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

/** Draws once from what a copy could take along: stores of random bytes, generators, names. */
const PREPARE = `
import random, numpy, tempfile, uuid, secrets, ssl, hashlib, subprocess, os, time
own = numpy.random.default_rng()
for draw in (random.random, numpy.random.rand, tempfile.mktemp, uuid.uuid4, secrets.token_hex): draw()
ssl.RAND_bytes(8)
`;
const DRAW_AGAIN = `
run = lambda *command: subprocess.run(command, capture_output=True, text=True).stdout.strip()
print(random.random())
print(random.SystemRandom().random())
print(numpy.random.rand())
print(numpy.random.default_rng().random())
print(tempfile.mktemp())
print(tempfile.mkdtemp())
print(uuid.uuid4())
print(secrets.token_hex(8))
print(ssl.RAND_bytes(8).hex())
print(os.urandom(8).hex())
print(open("/proc/sys/kernel/random/uuid").read().strip())
print(open("/etc/machine-id").read().strip())
print(open("/run/e2b/.E2B_SANDBOX_ID").read().strip())
print(run("hostname"))
print(run("python3", "-c", "import random; print(hash('x'), random.random())"))
print(run("sh", "-c", "grep -m1 libc /proc/self/maps | cut -d- -f1"))
print(run("openssl", "rand", "-hex", "8"))
print(run("bash", "-c", "echo $RANDOM $SRANDOM"))
print(run("node", "-p", "crypto.randomUUID() + Math.random()"))
`;
/** What copies of a running sandbox cannot help to share; `docs/security.md` says so. */
const STILL_ALIKE = `
print(hash("x"))
print(own.random())
print(run("sh", "-c", "grep -m1 libc /proc/%d/maps" % os.getpid()))
print(run("sudo", "grep", "-m1", " _text$", "/proc/kallsyms"))
`;
/** A program that goes on in the copies, and draws when it is told to. */
const BACKGROUND = `
const crypto = require("node:crypto"), fs = require("node:fs");
Math.random(), crypto.randomBytes(8);
const said = fs.readFileSync("/run/e2b/.E2B_SANDBOX_ID", "utf8");
process.on("SIGUSR2", () => {
  const isCopy = fs.readFileSync("/run/e2b/.E2B_SANDBOX_ID", "utf8") !== said;
  fs.writeFileSync("/tmp/drawn.part", JSON.stringify([isCopy, Math.random(), crypto.randomBytes(8).toString("hex")]));
  fs.renameSync("/tmp/drawn.part", "/tmp/drawn");
});
console.log("ready"); setInterval(() => {}, 1000);
`;

test("forks agree on nothing that a kernel, or a program that they start, draws", async () => {
  await using parent = await createSandbox();
  await python(parent, PREPARE);
  await parent.runCode("require('node:crypto').randomUUID()", { language: "javascript" });
  await parent.runCode("echo $RANDOM", { language: "bash" });
  await parent.files.write("/tmp/background.js", BACKGROUND);
  const ready = Promise.withResolvers<void>();
  const { pid } = await parent.commands.run("exec node /tmp/background.js", {
    background: true,
    timeoutMs: 0,
    onStdout: () => ready.resolve(),
  });
  await ready.promise;
  const copies = (await parent.fork({ count: 2 })).map((copy) => {
    if (copy instanceof Sandbox) return copy;
    throw copy;
  });
  const all = [parent, ...copies];
  const draws = await Promise.all(
    all.map(async (sandbox) => {
      const lines = (await python(sandbox, DRAW_AGAIN)).trim().split("\n");
      const shell = await sandbox.runCode("echo $RANDOM $RANDOM", { language: "bash" });
      const script = await sandbox.runCode(DRAW_JAVASCRIPT, { language: "javascript" });
      return [...lines, shell.logs.stdout.join(""), ...(script.results[0]!.json as unknown[])];
    }),
  );
  expect(draws[0]).toHaveLength(29);
  const { stdout } = await parent.commands.run("cat /proc/sys/kernel/randomize_va_space");
  const hasFixedAddresses = stdout.trim() === "0";
  for (const row of draws[0]!.keys()) {
    const drawn = draws.map((lines) => lines[row]);
    // An address, which `docs/security.md` says is fixed where programs are emulated by an older QEMU.
    if (hasFixedAddresses && drawn.every((each) => /^7ffff[0-9a-f]{7}$/.test(String(each))))
      continue;
    expect(new Set(drawn), `draw ${row}: ${drawn}`).toHaveLength(all.length);
  }

  const alike = await Promise.all(copies.map((copy) => python(copy, STILL_ALIKE)));
  expect(alike[1]).toBe(alike[0]);
  const drawn = await Promise.all(
    copies.map(async (copy) => {
      const tell = `kill -USR2 ${pid}; until test -e /tmp/drawn; do sleep 0.1; done; cat /tmp/drawn`;
      return JSON.parse((await copy.commands.run(tell)).stdout) as unknown[];
    }),
  );
  // What it draws may be what the other draws; but it can see that it is a copy, and take new randomness.
  expect(drawn.map(([isCopy]) => isCopy)).toEqual([true, true]);
  await Promise.all(copies.map((copy) => copy.kill()));
});
