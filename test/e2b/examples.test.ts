import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSandbox } from "../support/sandboxes.ts";
import { temporaryDirectory } from "../support/server.ts";
import { SOURCE, sourceNode } from "../../scripts/source.ts";

const examples = join(import.meta.dirname, "../../examples");
const launcher = join(import.meta.dirname, "../../packages/emberbox/bin/emberbox.mjs");

let served: ChildProcess;
let pointed: Record<string, string>;

beforeAll(async () => {
  await (await createSandbox()).kill();
  served = spawn(
    process.execPath,
    [launcher, "serve", "--port", "0", "--log-level", "warn", "--state", temporaryDirectory()],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let printed = "";
  // One line for each variable, for a shell to read.
  while (printed.split("\n").length < 4) printed += String((await once(served.stdout!, "data"))[0]);
  pointed = Object.fromEntries(
    [...printed.matchAll(/^export (\w+)=(\S+)$/gm)].map(([, name, value]) => [name!, value!]),
  );
});
afterAll(async () => {
  served.kill("SIGTERM");
  await once(served, "exit");
});

async function run(example: string, parameters: string[], env: object = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(
    sourceNode,
    [SOURCE, "--disable-warning=ExperimentalWarning", example, ...parameters],
    { cwd: examples, env: { ...process.env, ...env }, timeout: 200_000 },
  );
  return stdout;
}

test("one program says the same here, through the server, and with E2B's SDK", async () => {
  const here = await run("anywhere.ts", []);
  expect(here).toBe(`rows with the header: 4
  region  amount
0  north     120
1  south     340
2  north      75
region
south    340
north    195
Name: amount, dtype: int64
AttributeError: 'DataFrame' object has no attribute 'amunt'
the mean is 178.33
killed: true
`);
  expect(await run("anywhere.ts", [], { ...pointed, EMBERBOX_PROVIDER: "e2b" })).toBe(here);
  expect(await run("anywhere.ts", ["@e2b/code-interpreter"], pointed)).toBe(here);
});

test("a program for E2B runs against `emberbox serve` unchanged", async () => {
  expect(await run("e2b-sdk/main.ts", [], pointed)).toBe(`sorted: 1 2 3
streamed: in Python
mean: 2.0
a failure: CommandExitError
downloaded: 3 lines
running: false
`);
});

test("the snippets of the documentation run", async () => {
  expect(await run("serve.ts", [])).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+ takes the key e2b_\w{40}$/m,
  );
  expect(await run("e2b-provider.ts", [], pointed)).toBe("42\n");
  expect(await run("webhook.ts", [])).toBe("sandbox.lifecycle.created\nsandbox.lifecycle.killed\n");
});
