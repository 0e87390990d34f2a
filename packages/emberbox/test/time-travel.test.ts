import { execFile } from "node:child_process";
import { join } from "node:path";
import { Sandbox } from "@emberbox/core";
import { microvm } from "@emberbox/microvm";
import { afterAll, beforeAll, expect, test } from "vitest";

const launcher = join(import.meta.dirname, "../bin/emberbox.mjs");
const MISSING = "c0123456789abcdefghij";

function emberbox(
  ...parameters: readonly string[]
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [launcher, ...parameters], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

const provider = microvm({ standby: false });
afterAll(() => provider[Symbol.asyncDispose]());
let sandbox: Sandbox;
let id: string;
let [first, second] = ["", ""];
const step = async (of = sandbox): Promise<string | undefined> => (await of.runCode("step")).text;

beforeAll(async () => {
  sandbox = await Sandbox.create({ provider, timeoutMs: 3_600_000 });
  id = sandbox.sandboxId;
  await sandbox.runCode("step = 1");
  first = (await sandbox.checkpoint({ label: "one", by: "me" })).checkpointId;
  await sandbox.runCode("step = 2");
  second = (await sandbox.checkpoint({ label: "two" })).checkpointId;
  await sandbox.runCode("step = 3");
});

test("of a sandbox that another program runs, there is its history, and branches; it is not taken back", async () => {
  const history = await emberbox("history", id);
  expect(history).toMatchObject({ code: 0, stderr: "" });
  expect(history.stdout.split("\n")).toEqual([
    expect.stringMatching(RegExp(`^○ ${first}  one  \\(.* ago, .* MiB, by me\\)$`)),
    expect.stringMatching(RegExp(`^● ${second}  two  \\(.* ago, .* MiB, current\\)$`)),
    "",
  ]);
  const { stdout: json } = await emberbox("history", id, "--json");
  expect(JSON.parse(json)).toMatchObject([
    { checkpointId: first, label: "one", by: "me" },
    { checkpointId: second, parentId: first, current: true },
  ]);

  const refused = await emberbox("rollback", id, first);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain(`${id} runs in `);
  expect(refused.stderr).toContain(`(${process.pid})`);
  expect(refused.stderr).toContain(`emberbox pause ${id}`);
  expect(await step()).toBe("3");

  const branched = await emberbox("branch", id, first);
  expect(branched).toMatchObject({ code: 0, stderr: "" });
  await using branch = await Sandbox.connect(branched.stdout.trim(), { provider });
  expect(await step(branch)).toBe("1");
});

test("a paused one is taken back and goes on from there, and branches are made of it", async () => {
  expect(await emberbox("pause", id)).toMatchObject({ code: 0, stdout: `${id}\n` });
  expect(await emberbox("rollback", id, first)).toEqual({
    code: 0,
    stdout: "",
    stderr: `emberbox: ${id} is paused at ${first}; later checkpoints that stay: 1\n`,
  });
  expect((await emberbox("history", id)).stdout).toMatch(/^● .* current\)\n○ [^)]*MiB\)\n$/);
  const branched = await emberbox("branch", id, second, "--count", "2");
  const made = branched.stdout.trim().split("\n");
  expect(made).toHaveLength(2);
  await using branch = await Sandbox.connect(made[1]!, { provider });
  expect(await step(branch)).toBe("2");
  expect(await emberbox("kill", made[0]!)).toMatchObject({ code: 0 });
  await sandbox.connect();
  expect(await step()).toBe("1");
});

test.each([
  [["rollback", "ID", MISSING], 2, /no checkpoint `c0.*\n {2}`emberbox history SANDBOX`/],
  [["branch", "ID", MISSING], 2, /no checkpoint `c0.*\n {2}`emberbox history SANDBOX`/],
  [["rollback", "i0123456789abcdefghij", MISSING], 2, /no checkpoint `c0/],
  [["rollback", "../up", MISSING], 2, /a sandbox's id/],
  [["rollback", "ID", "../up"], 2, /a checkpoint's id/],
  [["history", "../up"], 2, /a sandbox's id/],
  [["branch", "../up", MISSING], 2, /no checkpoint/],
  [["branch", "ID", MISSING, "--count", "101"], 2, /from 1 to 100/],
  [["branch", "ID", MISSING, "--count", "0"], 2, /positive whole number/],
  [["history", "i0123456789abcdefghij"], 0, /no checkpoints of i0/],
] as const)("%j exits with %i and says why", async (parameters, code, message) => {
  const result = await emberbox(...parameters.map((each) => (each === "ID" ? id : each)));
  expect(result.stderr).toMatch(message);
  expect(result).toMatchObject({ code, stdout: "" });
});

test("once it is killed its checkpoints are gone", async () => {
  expect(await emberbox("kill", id)).toMatchObject({ code: 0 });
  expect((await emberbox("history", id)).stderr).toContain(`no checkpoints of ${id}`);
  expect((await emberbox("branch", id, first)).code).toBe(2);
});
